"""Ten synthetic voices in five languages, spoken by espeak-ng and flite (generation time only).

espeak-ng speaks at 22.05 kHz, flite at 16 kHz; everything is resampled to 48 kHz. `tract` > 1
raises all formants and the pitch by that factor (the sound is played faster), which makes a
smaller talker. The sentences are ours.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

RATE = 48000


@dataclass(frozen=True)
class Voice:
    """One talker: engine "espeak" or "flite", its voice name, pitch 0–99, words/min, tract."""
    name: str
    language: str
    engine: str
    voice: str
    pitch: int = 50
    speed: int = 160
    tract: float = 1.0


VOICES = [
    Voice("ella", "en", "flite", "slt"),
    Voice("bernd", "de", "espeak", "de+m3", 32, 158),
    Voice("claire", "fr", "espeak", "fr+f2", 50, 155),
    Voice("diego", "es", "espeak", "es+m7", 40, 170, 0.94),
    Voice("robert", "en", "flite", "rms"),
    Voice("greta", "de", "espeak", "de+f5", 55, 150, 1.06),
    Voice("hugo", "fr", "espeak", "fr+m1", 46, 145, 0.96),
    Voice("ines", "es", "espeak", "es+f4", 58, 168, 1.03),
    Voice("angus", "en", "flite", "awb", tract=1.04),
    Voice("lia", "it", "espeak", "it+f3", 64, 168, 1.08),
]

SENTENCES = {
    "en": [
        "The train to the coast leaves at seven.", "Please put the blue cups on the shelf.",
        "She asked for a window seat near the front.", "We could not hear the phone in the rain.",
        "My brother fixes old radios for fun.", "Thick fog covered the valley this morning.",
        "How much is a ticket for two adults?", "The soup needs salt and a little pepper.",
        "Six ships waited outside the harbour.", "Just leave the keys under the mat.",
        "Their garden is full of yellow roses.", "I think the meeting was moved to Thursday.",
        "Choose a short path through the forest.", "He laughed and closed the heavy door.",
        "Nobody knew where the music came from.", "The judge asked a very simple question.",
        "Fresh bread smells good in the street.", "Call me back when the shop is open.",
    ],
    "de": [
        "Der Zug nach Hamburg fährt um halb acht.", "Bitte stell die Tassen in den Schrank.",
        "Gestern hat es den ganzen Tag geregnet.", "Kannst du das Fenster ein wenig öffnen?",
        "Meine Schwester wohnt jetzt in der Schweiz.", "Das Licht im Flur ist wieder kaputt.",
        "Zwischen den Bäumen lief ein Fuchs.", "Wir treffen uns vor dem alten Rathaus.",
        "Frische Brötchen gibt es ab sechs Uhr.", "Er sucht schon lange seinen Schlüssel.",
        "Ich rufe dich morgen früh noch einmal an.", "Das Kind zeichnet ein großes Schiff.",
    ],
    "fr": [
        "Le train pour Lyon part à sept heures.", "Range les tasses bleues dans le placard.",
        "Il a plu toute la journée dans la vallée.", "Peux-tu ouvrir un peu la fenêtre ?",
        "Ma sœur habite maintenant près de la mer.", "La lumière du couloir ne marche plus.",
        "Un renard courait entre les arbres.", "On se retrouve devant la vieille gare.",
        "Le boulanger ouvre chaque matin à six heures.", "Je cherche mes clés depuis une heure.",
        "Elle chante souvent dans son jardin.", "Cet enfant dessine un grand bateau.",
    ],
    "es": [
        "El tren de la costa sale a las siete.", "Pon las tazas azules en el armario.",
        "Ayer llovió durante todo el día.", "¿Puedes abrir un poco la ventana?",
        "Mi hermana vive ahora cerca del mar.", "La luz del pasillo no funciona.",
        "Un zorro corría entre los árboles.", "Nos vemos delante de la vieja estación.",
        "La panadería abre cada día a las seis.", "Hace una hora que busco mis llaves.",
        "Ella canta muchas veces en su jardín.", "El niño dibuja un barco muy grande.",
    ],
    "it": [
        "Il treno per Genova parte alle sette.", "Metti le tazze azzurre nell'armadio.",
        "Ieri ha piovuto per tutto il giorno.", "Puoi aprire un poco la finestra?",
        "Mia sorella adesso abita vicino al mare.", "Una volpe correva tra gli alberi.",
    ],
}


def speak(voice: Voice, text: str) -> np.ndarray:
    """One sentence at 48 kHz, float, without silence at its ends, peak 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        if voice.engine == "espeak":
            command = ["espeak-ng", "-v", voice.voice, "-p", str(voice.pitch),
                       "-s", str(voice.speed), "-w", str(path), text]
        else:
            command = ["flite", "-voice", voice.voice, "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        x, rate = sf.read(path)
    x = soxr.resample(x, rate * voice.tract, RATE)
    loud = np.flatnonzero(np.abs(x) > 0.003 * np.max(np.abs(x)))
    x = x[loud[0]:loud[-1] + 1] / np.max(np.abs(x))
    fade = np.linspace(0, 1, 240)
    x[:240] *= fade
    x[-240:] *= fade[::-1]
    return x
