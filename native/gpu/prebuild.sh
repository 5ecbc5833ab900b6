#!/bin/bash
# native/gpu/prebuild.sh: on a machine without a GPU, makes .gpu/ (or $COLLIE_GPU_DIR): what native/gpu/check.sh runs on a machine with one.
#
# The folder has less than 60 MB: collie-rank and collie-gpu-tests, stripped, for one architecture and one torch, and NVIDIA's compute-sanitizer. They run on
# Ubuntu 24.04 with a driver and an installed torch of the same version, without Node, MPI, headers or a CUDA toolkit. Variables:
#   COLLIE_GPU_ARCH=sm_90      the card's architecture (H100: sm_90, A100: sm_80, RTX 4090: sm_89, B200: sm_100, RTX 5090: sm_120)
#   COLLIE_GPU_TORCH=2.11.0    the torch that is installed there, as its CUDA 13 wheel
#   COLLIE_GPU_SITE=<folder>   a site-packages folder that has this torch, instead of downloading it (730 MB; 2 GB on disk)
# Takes about 950 CPU-seconds, and seconds when little has changed. Exits 0, or 1 with what went wrong.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
arch=${COLLIE_GPU_ARCH:-sm_90}
version=${COLLIE_GPU_TORCH:-2.11.0}
folder=${COLLIE_GPU_DIR:-$root/.gpu}
site=${COLLIE_GPU_SITE:-$root/native/.deps/gpu-site-$version}
most_bytes=60000000

stop() {
  printf 'prebuild.sh: %s\nNext: %s\n' "$1" "$2" >&2
  exit 1
}
[[ $arch =~ ^sm_[0-9]+a?$ ]] || stop "COLLIE_GPU_ARCH is \"$arch\"" 'give it like sm_90'

# wheels <target> <platform> <prefixes, separated by commas> <requirement>...: folders out of PyPI wheels.
wheels() {
  local target=$1 platform=$2 prefixes=$3 work
  shift 3
  work=$(mktemp -d "$root/native/.deps/wheels.XXXX")
  python3 -m pip download -q --no-deps --no-cache-dir --only-binary=:all: --python-version 3.12 --implementation cp --platform "$platform" -d "$work" "$@" ||
    { rm -rf "$work"; stop "pip found no $*" 'check the network, or name a folder that has torch in COLLIE_GPU_SITE'; }
  python3 - "$work" "$target" "$prefixes" << 'P'
import glob, os, sys, zipfile
source, target, prefixes = sys.argv[1:]
for wheel in glob.glob(source + "/*.whl"):
    archive = zipfile.ZipFile(wheel)
    wanted = [entry for entry in archive.infolist() if entry.filename.startswith(tuple(prefixes.split(",")))]
    if not wanted: sys.exit(f"prebuild.sh: {os.path.basename(wheel)} has nothing that starts with {prefixes}")
    for entry in wanted:
        path = archive.extract(entry, target)
        if os.path.isfile(path): os.chmod(path, entry.external_attr >> 16 & 0o777 or 0o644)
P
  rm -rf "$work"
}

mkdir -p "$root/native/.deps"
echo "System packages and CUDA compiler"
nvcc=$(node "$root/native/gpu/toolkit.mjs")
if [ ! -e "$site/torch/lib/libtorch_cuda.so" ]; then
  [ -z "${COLLIE_GPU_SITE:-}" ] || stop "COLLIE_GPU_SITE is $site, where there is no torch/lib/libtorch_cuda.so" 'name the folder that holds torch/'
  echo "torch $version for CUDA 13 (730 MB)"
  wheels "$site.partial" manylinux_2_28_x86_64 torch/lib/,torch/include/,torch/version.py,torch- "torch==$version"
  # NCCL of the version that this torch asks for: its header to compile with, its library to link.
  nccl=$(sed -n 's/^Requires-Dist: \(nvidia-nccl-cu13==[0-9.]*\).*/\1/p' "$site.partial"/torch-*.dist-info/METADATA)
  wheels "$site.partial" manylinux_2_18_x86_64 nvidia/nccl/ "$nccl"
  mv "$site.partial" "$site"
fi
found=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$site/torch/version.py")
[ -z "$found" ] || [ "$found" = "$version" ] || stop "$site has torch $found, not $version" "set COLLIE_GPU_TORCH=$found, or another COLLIE_GPU_SITE"
sanitizer=$root/native/.deps/sanitizer
if [ ! -e "$sanitizer/nvidia/cu13/bin/compute-sanitizer" ]; then
  echo "compute-sanitizer (18 MB)"
  wheels "$sanitizer" manylinux_2_25_x86_64 nvidia/cu13/bin/,nvidia/cu13/lib/ nvidia-cuda-sanitizer-api==13.0.85
fi

echo "Programs for $arch"
build=$root/native/build/gpu-$arch
cmake -G Ninja -S "$root/native" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCOLLIE_CUDA=ON -DCOLLIE_ADDON=OFF -DCOLLIE_MPI=OFF \
  -DCMAKE_CUDA_COMPILER="$nvcc" -DCMAKE_CUDA_ARCHITECTURES="${arch#sm_}-real" -DCOLLIE_TORCH_DIR="$site/torch" > "$build.log" 2>&1 ||
  { tail -n 20 "$build.log"; stop "CMake failed (all of it: $build.log)" 'read its last lines above'; }
ninja -C "$build" ${COLLIE_JOBS:+-j"$COLLIE_JOBS"} collie-rank collie-gpu-tests

rm -rf "$folder.partial"
mkdir -p "$folder.partial/bin" "$folder.partial/sanitizer"
for program in rank/collie-rank tests/collie-gpu-tests; do strip -o "$folder.partial/bin/${program##*/}" "$build/$program"; done
# It looks for its libraries in its own folder.
cp "$sanitizer"/nvidia/cu13/lib/*.so "$sanitizer/nvidia/cu13/bin/compute-sanitizer" "$folder.partial/sanitizer"
chmod +x "$folder.partial/sanitizer/compute-sanitizer"
npx --prefix "$root" tsx "$root/tests/support/gpu-run.ts" "$folder.partial/run"
{
  echo "torch $version"
  echo "arch $arch"
  echo "commit $(git -C "$root" rev-parse HEAD 2> /dev/null || echo unknown)$(git -C "$root" diff --quiet HEAD 2> /dev/null || echo ' with changes')"
} > "$folder.partial/about"
bytes=$(du -sb "$folder.partial" | cut -f1)
[ "$bytes" -lt "$most_bytes" ] || stop "$folder.partial has $bytes bytes, more than $most_bytes" 'see what grew: du -a on it'
rm -rf "$folder"
mv "$folder.partial" "$folder"
echo "$folder: $((bytes / 1000000)) MB for $arch and torch $version. On the machine with the GPU: native/gpu/check.sh"
