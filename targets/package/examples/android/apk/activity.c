/* From the microphone to the loudspeaker through the library, without Java: a NativeActivity.
 *
 * Wear headphones. The screen stays empty; the sound starts when the microphone is allowed, and ends with
 * the activity. AAudio (Android 8) is declared here, as its header comes with the NDK only. */
#include <android/native_activity.h>
#include <jni.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "percepnet.h"

typedef struct AAudioStreamBuilderStruct AAudioStreamBuilder;
typedef struct AAudioStreamStruct AAudioStream;
enum { OUTPUT = 0, INPUT = 1, PCM_I16 = 1, LOW_LATENCY = 12, OK = 0 };
int32_t AAudio_createStreamBuilder(AAudioStreamBuilder **builder);
void AAudioStreamBuilder_setDirection(AAudioStreamBuilder *builder, int32_t direction);
void AAudioStreamBuilder_setSampleRate(AAudioStreamBuilder *builder, int32_t rate);
void AAudioStreamBuilder_setChannelCount(AAudioStreamBuilder *builder, int32_t channels);
void AAudioStreamBuilder_setFormat(AAudioStreamBuilder *builder, int32_t format);
void AAudioStreamBuilder_setPerformanceMode(AAudioStreamBuilder *builder, int32_t mode);
int32_t AAudioStreamBuilder_openStream(AAudioStreamBuilder *builder, AAudioStream **stream);
int32_t AAudioStreamBuilder_delete(AAudioStreamBuilder *builder);
int32_t AAudioStream_requestStart(AAudioStream *stream);
int32_t AAudioStream_read(AAudioStream *stream, void *samples, int32_t count, int64_t patience_ns);
int32_t AAudioStream_write(AAudioStream *stream, const void *samples, int32_t count, int64_t patience_ns);
int32_t AAudioStream_close(AAudioStream *stream);

static _Alignas(PERCEPNET_STATE_ALIGN) unsigned char memory[PERCEPNET_STATE_BYTES];
static pthread_t thread;
static atomic_int running;

/* NULL when it cannot be had, as a microphone that is not allowed yet */
static AAudioStream *open_stream(int32_t direction)
{
    AAudioStreamBuilder *builder;
    AAudioStream *stream = NULL;
    if (AAudio_createStreamBuilder(&builder) != OK)
        return NULL;
    AAudioStreamBuilder_setDirection(builder, direction);
    AAudioStreamBuilder_setSampleRate(builder, PERCEPNET_RATE);
    AAudioStreamBuilder_setChannelCount(builder, 1);
    AAudioStreamBuilder_setFormat(builder, PCM_I16);
    AAudioStreamBuilder_setPerformanceMode(builder, LOW_LATENCY);
    if (AAudioStreamBuilder_openStream(builder, &stream) != OK)
        stream = NULL;
    AAudioStreamBuilder_delete(builder);
    if (stream && AAudioStream_requestStart(stream) != OK) {
        AAudioStream_close(stream);
        return NULL;
    }
    return stream;
}

/* Hop after hop until the activity ends or a stream breaks off, as it does when headphones are pulled. */
static void pump(percepnet *st, AAudioStream *in, AAudioStream *out)
{
    const int64_t second = 1000000000;
    int16_t hop[PERCEPNET_HOP];
    while (atomic_load(&running)) {
        if (AAudioStream_read(in, hop, PERCEPNET_HOP, second) != PERCEPNET_HOP)
            return;
        percepnet_process(st, hop, hop);
        if (AAudioStream_write(out, hop, PERCEPNET_HOP, second) < 0)
            return;
    }
}

static void *run(void *unused)
{
    const struct timespec fifth = {0, 200000000};
    percepnet *st = percepnet_init(memory, sizeof memory);
    (void)unused;
    while (atomic_load(&running)) {
        AAudioStream *in = open_stream(INPUT), *out = in ? open_stream(OUTPUT) : NULL;
        if (out)
            pump(st, in, out);
        if (in)
            AAudioStream_close(in);
        if (out)
            AAudioStream_close(out);
        percepnet_reset(st);
        nanosleep(&fifth, NULL);
    }
    return NULL;
}

static void ask_for_microphone(ANativeActivity *activity)
{
    JNIEnv *env = activity->env;
    jclass strings = (*env)->FindClass(env, "java/lang/String");
    jobjectArray wanted =
        (*env)->NewObjectArray(env, 1, strings, (*env)->NewStringUTF(env, "android.permission.RECORD_AUDIO"));
    jmethodID ask = (*env)->GetMethodID(env, (*env)->GetObjectClass(env, activity->clazz),
                                        "requestPermissions", "([Ljava/lang/String;I)V");
    (*env)->CallVoidMethod(env, activity->clazz, ask, wanted, 0);
}

static void on_destroy(ANativeActivity *activity)
{
    (void)activity;
    atomic_store(&running, 0);
    pthread_join(thread, NULL);
}

JNIEXPORT void ANativeActivity_onCreate(ANativeActivity *activity, void *saved, size_t bytes)
{
    (void)saved;
    (void)bytes;
    activity->callbacks->onDestroy = on_destroy;
    ask_for_microphone(activity);
    atomic_store(&running, 1);
    if (pthread_create(&thread, NULL, run, NULL))
        atomic_store(&running, 0);
}
