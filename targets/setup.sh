#!/bin/sh
# Debian/Ubuntu packages that targets need: targets/setup.sh TARGET... [full] [cycles] [prove] [plugins] [hosts]
# `full` adds the second compiler of the full check, `cycles` the model of processors, `plugins` the
# headers of LADSPA and LV2, `hosts` what tests of web package, plug-ins and Android example need.
# Installs what is missing as root or with password-less sudo; otherwise prints the one command
# to run and exits with 2. Asks for programs, not packages, so it is content on other systems too;
# there it names the packages of the manager that it finds, and installs nothing.
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
firefox-esr = "firefox-esr --version || firefox --version"
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

# Debian|dnf|pacman|zypper|apk|brew: what others call a package; "-": not known. Tried on Debian alone.
elsewhere() {
    cat <<'END'
gcc|gcc|gcc|gcc|gcc|gcc
build-essential|gcc-c++|gcc|gcc-c++|g++|gcc
g++|gcc-c++|gcc|gcc-c++|g++|gcc
libc6-dev|glibc-devel|glibc|glibc-devel|musl-dev|gcc
python3|python3|python|python312|python3|python
python3-venv|python3|python|python312|python3|python
python3-dev|python3-devel|python|python312-devel|python3-dev|python
gcc-aarch64-linux-gnu|gcc-aarch64-linux-gnu|aarch64-linux-gnu-gcc|cross-aarch64-gcc13|-|-
libc6-dev-arm64-cross|-|aarch64-linux-gnu-glibc|cross-aarch64-glibc-devel|-|-
gcc-arm-linux-gnueabihf|gcc-arm-linux-gnu|-|-|-|-
qemu-user|qemu-user|qemu-user|qemu-linux-user|qemu-aarch64 qemu-arm|-
qemu-system-arm|qemu-system-arm|qemu-system-arm|qemu-arm|qemu-system-arm|qemu
gcc-arm-none-eabi|arm-none-eabi-gcc-cs|arm-none-eabi-gcc|cross-arm-none-gcc13|gcc-arm-none-eabi|arm-none-eabi-gcc
libnewlib-arm-none-eabi|arm-none-eabi-newlib|arm-none-eabi-newlib|cross-arm-none-newlib-devel|newlib-arm-none-eabi|-
clang|clang|clang|clang|clang|llvm
lld|lld|lld|lld|lld|lld
llvm|llvm|llvm|llvm|llvm|llvm
wasi-libc|wasi-libc-devel|wasi-libc|-|wasi-libc|wasi-libc
libclang-rt-dev-wasm32|-|wasi-compiler-rt|-|wasi-compiler-rt|wasi-runtimes
nodejs|nodejs|nodejs|nodejs-default|nodejs|node
npm|npm|npm|npm-default|npm|node
ladspa-sdk|ladspa-devel|ladspa|ladspa-devel|ladspa-dev|-
lv2-dev|lv2-devel|lv2|lv2-devel|lv2-dev|lv2
ffmpeg|ffmpeg-free|ffmpeg|ffmpeg|ffmpeg|ffmpeg
chromium|chromium|chromium|chromium|chromium|chromium
END
}

# "$@": missing packages, to be had by `$1`, whose names are in column $2 of the table.
name_elsewhere() {
    install=$1 column=$2 known='' unknown=''
    shift 2
    [ "$(id -u)" != 0 ] || install=${install#sudo }
    for package in "$@"; do
        name=$(elsewhere | sed -n "s/^$package|//p" | cut -d '|' -f "$column")
        case ${name:--} in
        -) unknown="$unknown $package" ;;
        *) known="$known $name" ;;
        esac
    done
    if [ -n "$known" ]; then
        echo "setup: packages are missing; run this, then call make again:"
        echo "    $install $(printf '%s\n' $known | sort -u | tr '\n' ' ' | sed 's/ $//')"
    fi
    [ -z "$unknown" ] || echo "setup: not found: what Debian calls$unknown; install it and call make again"
}

has() { command -v "$1" >/dev/null; }

if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends ${missing% }"
    if ! has apt-get; then
        if has dnf; then name_elsewhere "sudo dnf install" 1 $missing
        elif has pacman; then name_elsewhere "sudo pacman -S --needed" 2 $missing
        elif has zypper; then name_elsewhere "sudo zypper install" 3 $missing
        elif has apk; then name_elsewhere "sudo apk add" 4 $missing
        elif has brew; then name_elsewhere "brew install" 5 $missing
        else name_elsewhere "" 9 $missing
        fi >&2
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
