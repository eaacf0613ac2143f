#!/bin/sh
# Debian/Ubuntu packages that targets need: targets/setup.sh TARGET... [full] [cycles] [prove] [plugins] [hosts]
# `full` adds the second compiler of the full check, `cycles` the model of processors, `plugins` the
# headers of LADSPA and LV2, `hosts` what tests of web package, plug-ins and Android example need.
# Installs what is missing as root or with password-less sudo; otherwise prints the one command
# to run and exits with 2. Asks for programs, not packages, so it is content on other systems too.
set -eu
cd "$(dirname "$0")"

needs() {
    cat <<'END'
python3 = "python3 --version"
python3-venv = "python3 -c 'import venv, ensurepip'"
python3-dev = "python3 -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")'"
END
    for target in "$@"; do
        case $target in
        full) echo 'clang = "clang --version"' ;;
        prove) echo 'frama-c-base = "frama-c -version"'; echo 'g++ = "g++ --version"' ;;
        cycles) echo 'llvm-19 = "llvm-mca-19 --version"' ;;
        plugins) cat <<'END' ;;
ladspa-sdk = "printf '#include <ladspa.h>' | gcc -E -"
lv2-dev = "printf '#include <lv2/core/lv2.h>' | gcc -E -"
END
        hosts) cat <<'END' ;;
aapt = "aapt version"
android-framework-res = "test -e /usr/share/android-framework-res/framework-res.apk"
android-libnativehelper-dev = "test -e /usr/include/android/nativehelper/jni.h"
android-platform-frameworks-native-headers = "test -e /usr/include/android/android/native_activity.h"
apksigner = "command -v apksigner"
chromium = "chromium --version"
ffmpeg = "ffmpeg -version"
jalv = "command -v jalv"
ladspa-sdk = "command -v applyplugin"
lilv-utils = "command -v lv2apply"
lv2-dev = "command -v lv2_validate"
npm = "npm --version"
sordi = "command -v sord_validate"
zipalign = "command -v zipalign"
END
        *) sed -n '/^\[needs\]/,/^\[[^n]/s/^\([a-z0-9][a-z0-9.+-]*\) = /\1 = /p' "$target.toml" ;;
        esac
    done
}

missing=$(needs host "$@" | sort -u | while read -r package _ check; do
    check=${check#\"} # the command stands between the first and the last quote of the line
    check=${check%\"*}
    sh -c "$check" >/dev/null 2>&1 </dev/null || printf '%s\n' "$package"
done | sort -u | tr '\n' ' ')

if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends ${missing% }"
    if ! command -v apt-get >/dev/null; then
        echo "setup: not found: what Debian calls ${missing% }; install it and call make again" >&2
        exit 2
    elif [ "$(id -u)" = 0 ]; then
        (apt-get update && DEBIAN_FRONTEND=noninteractive $install) >&2
    elif sudo -n true 2>/dev/null; then
        (sudo -n apt-get update && sudo -n env DEBIAN_FRONTEND=noninteractive $install) >&2
    else
        echo "setup: packages are missing; run this, then call make again:" >&2
        echo "    sudo sh -c 'apt-get update && $install'" >&2
        exit 2
    fi
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $(python3 --version) found; Python 3.11 or newer is needed" >&2
    exit 2
}
