#!/bin/sh
# build.sh: build/percepnet.apk of the unpacked source package for arm64, without NDK, SDK and Java code.
# Debian: apt-get install clang lld llvm libc6-dev-arm64-cross aapt apksigner zipalign android-framework-res \
#     android-platform-frameworks-native-headers android-libnativehelper-dev
set -eu
here=$(cd "$(dirname "$0")" && pwd)
package=$(cd "$here/../../.." && pwd)
out=$package/build/apk
rm -rf "$out"
mkdir -p "$out/stubs/android" "$out/lib/arm64-v8a"

# What is linked: the C library of the phone, of which only the names are needed here. The headers are those
# of glibc, which declare these functions alike.
target=aarch64-linux-android26
flags="-O3 -std=c99 -fPIC -fvisibility=hidden -Wno-unused-command-line-argument"
cc="clang --target=$target -isystem /usr/aarch64-linux-gnu/include"
stub() {
    library=$1
    shift
    for name in "$@"; do echo "void $name(void); void $name(void) {}"; done > "$out/stubs/$library.c"
    $cc -fno-builtin -shared -nostdlib -fuse-ld=lld -Wl,-soname,"lib$library.so" "$out/stubs/$library.c" \
        -o "$out/stubs/lib$library.so"
}
stub c memcpy memmove memset getauxval pthread_create pthread_join nanosleep
# shellcheck disable=SC2046
stub aaudio $(sed -n 's/^[a-z0-9_]* \(AAudio[A-Za-z_]*\)(.*;$/\1/p' "$here/activity.c")

# Debian's headers of Android lack one, and a macro of its C library.
echo "typedef struct ANativeWindow ANativeWindow; typedef struct { int32_t left, top, right, bottom; } ARect;" \
    > "$out/stubs/android/native_window.h"
android="-D__RENAME_IF_FILE_OFFSET64(x)= -I$out/stubs -I/usr/include/android -I/usr/include/android/nativehelper"

make -C "$package" CC="$cc" AR=llvm-ar CFLAGS="$flags" build/libpercepnet.a
$cc $flags -std=c11 -D_GNU_SOURCE -Wall -Wextra -shared -nostdlib -fuse-ld=lld -Wl,-z,max-page-size=16384 \
    -Wl,--no-undefined -I"$package/include" $android \
    "$here/activity.c" "$package/build/libpercepnet.a" -L"$out/stubs" -laaudio -lc \
    -o "$out/lib/arm64-v8a/libactivity.so"

cd "$out"
aapt package -M "$here/AndroidManifest.xml" -I /usr/share/android-framework-res/framework-res.apk -F plain.apk
aapt add plain.apk lib/arm64-v8a/libactivity.so > /dev/null
zipalign -f 4 plain.apk aligned.apk
# A key of your own signs what you give away; this one is for trying it on your phone.
keytool -genkeypair -keystore key.jks -alias key -keyalg RSA -validity 10000 -storepass android \
    -keypass android -dname CN=example 2> /dev/null
apksigner sign --ks key.jks --ks-pass pass:android --out "$package/build/percepnet.apk" aligned.apk
apksigner verify "$package/build/percepnet.apk"
echo "$package/build/percepnet.apk"
