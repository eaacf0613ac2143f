/* What `class Denoiser` of package org.percepnet declares as native: a handle, and 480 samples a call. */
#include <jni.h>
#include <stdlib.h>

#include "percepnet.h"

/* 0 when there is no memory */
JNIEXPORT jlong JNICALL Java_org_percepnet_Denoiser_create(JNIEnv *env, jclass type)
{
    void *memory = NULL;
    (void)env;
    (void)type;
    if (posix_memalign(&memory, 16, PERCEPNET_STATE_BYTES))
        return 0;
    return (jlong)(intptr_t)percepnet_init(memory, PERCEPNET_STATE_BYTES);
}

/* One frame in place; voice activity 0 ... 32767, or a negative status. */
JNIEXPORT jint JNICALL Java_org_percepnet_Denoiser_process(JNIEnv *env, jclass type, jlong handle,
                                                           jshortArray frame)
{
    int16_t hop[PERCEPNET_HOP];
    int voice;
    (void)type;
    if ((*env)->GetArrayLength(env, frame) != PERCEPNET_HOP)
        return PERCEPNET_ERR_RANGE;
    (*env)->GetShortArrayRegion(env, frame, 0, PERCEPNET_HOP, hop);
    voice = percepnet_process((percepnet *)(intptr_t)handle, hop, hop);
    (*env)->SetShortArrayRegion(env, frame, 0, PERCEPNET_HOP, hop);
    return voice;
}

JNIEXPORT void JNICALL Java_org_percepnet_Denoiser_destroy(JNIEnv *env, jclass type, jlong handle)
{
    (void)env;
    (void)type;
    free((void *)(intptr_t)handle);
}
