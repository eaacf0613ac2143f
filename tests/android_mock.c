/* android_mock IN OUT: the activity of the example with a microphone that hears IN, raw samples, and a
 * loudspeaker that keeps what it plays in OUT. Exit codes: 0 done, 1 it did not ask for the microphone. */
#include <android/native_activity.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static FILE *microphone, *loudspeaker;
static atomic_int ended, asked, streams;
static int direction;

int32_t AAudio_createStreamBuilder(void **builder)
{
    *builder = &direction;
    return 0;
}
void AAudioStreamBuilder_setDirection(void *builder, int32_t value)
{
    *(int *)builder = value;
}
void AAudioStreamBuilder_setSampleRate(void *builder, int32_t value)
{
    (void)builder, (void)value;
}
void AAudioStreamBuilder_setChannelCount(void *builder, int32_t value)
{
    (void)builder, (void)value;
}
void AAudioStreamBuilder_setFormat(void *builder, int32_t value)
{
    (void)builder, (void)value;
}
void AAudioStreamBuilder_setPerformanceMode(void *builder, int32_t value)
{
    (void)builder, (void)value;
}
int32_t AAudioStreamBuilder_openStream(void *builder, void **stream)
{
    if (atomic_fetch_add(&streams, 1) == 0) /* not allowed yet: the activity must try again */
        return -1;
    *stream = *(int *)builder ? microphone : loudspeaker;
    return 0;
}
int32_t AAudioStreamBuilder_delete(void *builder)
{
    (void)builder;
    return 0;
}
int32_t AAudioStream_requestStart(void *stream)
{
    (void)stream;
    return 0;
}
int32_t AAudioStream_read(void *stream, void *samples, int32_t count, int64_t patience_ns)
{
    const size_t got = fread(samples, 2, (size_t)count, stream);
    (void)patience_ns;
    if (got < (size_t)count)
        atomic_store(&ended, 1);
    return (int32_t)got;
}
int32_t AAudioStream_write(void *stream, const void *samples, int32_t count, int64_t patience_ns)
{
    (void)patience_ns;
    return (int32_t)fwrite(samples, 2, (size_t)count, stream);
}
int32_t AAudioStream_close(void *stream)
{
    (void)stream;
    return 0;
}

static jclass find_class(JNIEnv *env, const char *name)
{
    (void)env;
    return (jclass)(uintptr_t)!strcmp(name, "java/lang/String");
}
static jstring new_string(JNIEnv *env, const char *text)
{
    (void)env;
    return (jstring)(uintptr_t)!strcmp(text, "android.permission.RECORD_AUDIO");
}
static jobjectArray new_array(JNIEnv *env, jsize count, jclass type, jobject first)
{
    (void)env;
    return (jobjectArray)(uintptr_t)(count == 1 && type && first);
}
static jclass class_of(JNIEnv *env, jobject object)
{
    (void)env;
    return object;
}
static jmethodID method_of(JNIEnv *env, jclass type, const char *name, const char *signature)
{
    (void)env, (void)type;
    return (jmethodID)(uintptr_t)(!strcmp(name, "requestPermissions")
                                  && !strcmp(signature, "([Ljava/lang/String;I)V"));
}
static void call(JNIEnv *env, jobject object, jmethodID method, ...)
{
    (void)env;
    atomic_store(&asked, object && method);
}

int main(int argc, char **argv)
{
    static const struct JNINativeInterface functions = {
        .FindClass = find_class,
        .NewStringUTF = new_string,
        .NewObjectArray = new_array,
        .GetObjectClass = class_of,
        .GetMethodID = method_of,
        .CallVoidMethod = call,
    };
    static ANativeActivityCallbacks callbacks;
    static JNIEnv env = &functions;
    static ANativeActivity activity = {.callbacks = &callbacks, .env = &env, .clazz = (jobject)&env};
    const struct timespec tick = {0, 10000000};
    if (argc != 3 || !(microphone = fopen(argv[1], "rb")) || !(loudspeaker = fopen(argv[2], "wb")))
        return 2;
    ANativeActivity_onCreate(&activity, NULL, 0);
    while (!atomic_load(&ended))
        nanosleep(&tick, NULL);
    callbacks.onDestroy(&activity);
    return fclose(loudspeaker) || !atomic_load(&asked);
}
