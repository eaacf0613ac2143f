import { readFile } from "node:fs/promises";
import { denoiseWith, MODELS, SETTINGS } from "./denoise.js";

export { MODELS, SETTINGS };

export const denoise = (samples, options) =>
    denoiseWith((href) => readFile(new URL(href)), samples, options);
