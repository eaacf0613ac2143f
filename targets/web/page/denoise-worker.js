// A whole recording, off the page's thread.
import { denoise } from "./percepnet/index.js";

onmessage = async ({ data: { samples, options } }) => {
    try {
        postMessage({ clean: await denoise(samples, options) });
    } catch (error) {
        postMessage({ error: error.message });
    }
};
