#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static const char usage[] =
    "percepnet [options] IN.wav OUT.wav\n"
    "percepnet [options] -o FOLDER IN.wav ...\n"
    "Suppresses the noise in speech. 48 kHz WAV (RIFF, RF64, BW64) of 8 to 32-bit integers or floats,\n"
    "every channel on its own; \"-\" is standard input or output. Outputs have the format, rate, length and\n"
    "other chunks (LIST, bext, cue ...) of their inputs, and with -o their names; samples of more than 16\n"
    "bits come out with 16.\n"
    "  -a, --atten-lim-db DB       take away at most so much noise: 0 (untouched) to 100 (no limit,\n"
    "                              default)\n"
#ifdef PERCEPNET_HAS_POSTFILTER
    "  --[no-]pf, --[no-]postfilter\n"
    "                              envelope postfilter (default off)\n"
    "  --pf-beta BETA              its strength, 0.001 to 1 (default 0.02)\n"
#endif
    "  --[no-]decay-floor          let nothing fall faster than 60 dB in 100 ms (default off)\n"
    "  --[no-]highpass             remove what lies below the voice (default off)\n"
    "  -D, --[no-]compensate-delay\n"
    "                              take out the delay of 30 ms (default, but not towards \"-\", where\n"
    "                              somebody may be listening)\n"
    "  --resample                  take other rates, 8 to 192 kHz, too: to 48 kHz and back\n"
    "  --decoder COMMAND           for files that are no WAV: a command of sh that writes the file \"$1\" as\n"
    "                              WAV to its standard output: 'ffmpeg -v error -i \"$1\" -f wav -'\n"
    "  -m, --model NAME            the network; a program holds one, which -V names, and refuses others\n"
    "  -o, --output-dir FOLDER     an existing folder for the outputs of several inputs\n"
    "  --vad FILE                  write voice activity as CSV: time in the input in seconds, then\n"
    "                              the probability of every channel, one line every 10 ms\n"
    "  --json                      print a summary of each file as one line of JSON\n"
    "  -v, --verbose               say what was done\n"
    "  --taps FILE                 write the recorded signals of every call (one channel only)\n"
    "  --footprint                 print bytes of state, scratch and stack as JSON; takes no files\n"
    "  -h, --help                  this text\n"
    "  -V, --version               version and model\n"
    "Exit codes: 0 done, warnings included; 1 with -o: some files are not done; 2 an input, an output or\n"
    "the command line is not right; 128 + n stopped by signal n, Ctrl-C for example. The output then holds\n"
    "what was done until there, as a whole file.\n";

enum { SWITCHES = 256, PF_BETA = 300, NO_COMPENSATE, RESAMPLE, DECODER, VAD, JSON, TAPS, FOOTPRINT };
static int (*const switches[])(percepnet *, int) = {
    percepnet_set_decay_floor,
    percepnet_set_highpass,
#ifdef PERCEPNET_HAS_POSTFILTER
    percepnet_set_postfilter,
#endif
};
#define SWITCH(name, i) \
    {"no-" name, no_argument, NULL, SWITCHES + 2 * i}, {name, no_argument, NULL, SWITCHES + 2 * i + 1}

static const struct option known[] = {
    {"atten-lim-db", required_argument, NULL, 'a'},
    SWITCH("decay-floor", 0),
    SWITCH("highpass", 1),
#ifdef PERCEPNET_HAS_POSTFILTER
    SWITCH("pf", 2),
    SWITCH("postfilter", 2),
    {"pf-beta", required_argument, NULL, PF_BETA},
#endif
    {"compensate-delay", no_argument, NULL, 'D'},
    {"no-compensate-delay", no_argument, NULL, NO_COMPENSATE},
    {"resample", no_argument, NULL, RESAMPLE},
    {"decoder", required_argument, NULL, DECODER},
    {"model", required_argument, NULL, 'm'},
    {"output-dir", required_argument, NULL, 'o'},
    {"vad", required_argument, NULL, VAD},
    {"json", no_argument, NULL, JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"taps", required_argument, NULL, TAPS},
    {"footprint", no_argument, NULL, FOOTPRINT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The last value of a setting counts. */
static void choose(options *o, setting s)
{
    int i = 0;
    while (i < o->n_settings && o->settings[i].set != s.set)
        i++;
    o->settings[i] = s;
    o->n_settings += i == o->n_settings;
}

/* A number in steps of 1 / scale, as an integer. */
static int number(const char *name, const char *text, int scale, const char *needed)
{
    char *end;
    double steps = strtod(text, &end) * scale;
    if (end == text || *end || !(steps >= -1e6 && steps <= 1e6))
        die(name, "\"%s\" found; %s is needed", text, needed);
    int whole = (int)(steps < 0 ? steps - 0.5 : steps + 0.5);
    if (steps - whole > 1e-6 || whole - steps > 1e-6)
        die(name, "%s found; steps of %g are needed", text, 1.0 / scale);
    return whole;
}

static void choose_number(options *o, int (*set)(percepnet *, int), const char *name, const char *text,
                          int scale, const char *needed)
{
    setting s = {set, number(name, text, scale, needed), name, text, needed};
    choose(o, s);
}

/* The name is what stands before the hash in the model's id. */
static void need_model(const char *name)
{
    const char *id = percepnet_model_id();
    int length = (int)(strrchr(id, '-') - id);
    if ((int)strlen(name) != length || strncmp(name, id, (size_t)length))
        die("--model", "%s found; this program holds %.*s: make build target=TARGET model=%s makes another",
            name, length, id, name);
}

static void apply(options *o, int code, const char *found)
{
    if (code >= SWITCHES && code < PF_BETA) {
        setting s = {switches[(code - SWITCHES) / 2], code & 1, found, code & 1 ? "1" : "0", "0 or 1"};
        choose(o, s);
        return;
    }
    switch (code) {
    case 'a':
        choose_number(o, percepnet_set_attenuation_limit_db, "--atten-lim-db", optarg, 1, "0 to 100 dB");
        break;
#ifdef PERCEPNET_HAS_POSTFILTER
    case PF_BETA:
        choose_number(o, percepnet_set_postfilter_beta_permille, "--pf-beta", optarg, 1000, "0.001 to 1");
        break;
#endif
    case 'D': o->compensate = 1; break;
    case NO_COMPENSATE: o->compensate = 0; break;
    case RESAMPLE: o->resample = 1; break;
    case DECODER: o->decoder = optarg; break;
    case 'm': need_model(optarg); break;
    case 'o': o->folder = optarg; break;
    case VAD: o->vad = optarg; break;
    case JSON: o->json = 1; break;
    case 'v': o->verbose = 1; break;
    case TAPS: o->taps = optarg; break;
    case FOOTPRINT: o->footprint = 1; break;
    case 'h': fputs(usage, stdout); exit(finish_printing(0));
    case 'V':
        printf("percepnet %s, model %s\n", percepnet_version(), percepnet_model_id());
        exit(finish_printing(0));
    case ':': die(found, "no value found; percepnet --help says which is needed");
    default: die(found, "no such option; percepnet --help lists them");
    }
}

static void check(const options *o, int names)
{
    if (o->footprint ? names != 0 : o->folder ? names == 0 : names != 2)
        die("command line", "%d file name%s found; %s", names, names == 1 ? "" : "s",
            o->footprint ? "--footprint takes none"
            : o->folder  ? "-o needs one or more inputs"
                         : "2 are needed: percepnet [options] IN.wav OUT.wav; --help says more");
    if (o->n_inputs > 1 && (o->taps || o->vad))
        die(o->taps ? "--taps" : "--vad", "%d inputs found; it needs a single one", o->n_inputs);
}

options parse_options(int argc, char **argv)
{
    options o;
    char letter[] = "-?";
    int code;
    memset(&o, 0, sizeof o);
    o.compensate = -1;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":a:Dm:o:vhV", known, NULL)) != -1) {
        letter[1] = (char)optopt;
        apply(&o, code, optopt > 0 && optopt < SWITCHES ? letter : argv[optind - 1]);
    }
    o.inputs = argv + optind;
    o.n_inputs = argc - optind;
    if (!o.folder && o.n_inputs == 2)
        o.output = o.inputs[--o.n_inputs];
    check(&o, argc - optind);
    if (o.compensate < 0)
        o.compensate = !o.output || strcmp(o.output, "-");
    return o;
}

percepnet *new_instance(const options *o)
{
    size_t bytes = percepnet_state_bytes();
    void *memory = NULL;
    percepnet *st =
        posix_memalign(&memory, PERCEPNET_STATE_ALIGN, bytes) ? NULL : percepnet_init(memory, bytes);
    if (!st)
        die("memory", "%lu bytes for an instance are needed", (unsigned long)bytes);
    for (int i = 0; i < o->n_settings; i++)
        if (o->settings[i].set(st, o->settings[i].value) != PERCEPNET_OK)
            die(o->settings[i].name, "%s found; %s is needed", o->settings[i].text, o->settings[i].needed);
    percepnet_reset(st); /* settings hold from the first sample on */
    return st;
}
