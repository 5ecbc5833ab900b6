# Sourced by check.sh: which torch there is, and whether the prebuilt programs fit it and the card.

# Pythons that may have torch, the likeliest first.
pythons() {
  printf '%s\n' "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python3}" "$(command -v python3)" "$root"/.venv/bin/python3 ~/.venv/bin/python3 ~/venv/bin/python3 \
    /opt/*/.venv/bin/python3 /opt/*/bin/python3 /venv/bin/python3
}

# The torch folder of a Python, without importing it.
torch_of() {
  "$1" -c 'import importlib.util, sys
spec = importlib.util.find_spec("torch")
sys.exit(1) if spec is None or not spec.submodule_search_locations else print(spec.submodule_search_locations[0])' 2> /dev/null
}

# Sets `torch` (its folder) and `python` (one that can import it, where there is one). Argument: cuda or cpu.
find_torch() {
  local library=libtorch_cuda.so looked='' candidate found
  [ "$1" = cuda ] || library=libtorch_cpu.so
  torch='' python=$(command -v python3)
  [ -n "$python" ] || missing 'there is no python3' 'install Python 3 (Ubuntu: apt-get install python3)'
  if [ -n "${COLLIE_TORCH_DIR:-}" ]; then
    [ -e "$COLLIE_TORCH_DIR/lib/$library" ] || missing "COLLIE_TORCH_DIR is $COLLIE_TORCH_DIR, where there is no lib/$library" \
      'set it to the torch folder inside of site-packages'
    torch=$COLLIE_TORCH_DIR
    export PYTHONPATH=$(dirname "$torch")${PYTHONPATH:+:$PYTHONPATH}
    return
  fi
  while read -r candidate; do
    [ -x "$candidate" ] || continue
    found=$(torch_of "$candidate") || { looked+=" $candidate"; continue; }
    if [ -e "$found/lib/$library" ]; then
      torch=$found python=$candidate
      return
    fi
    looked+=" $candidate ($found has no $library)"
  done < <(pythons)
  missing "no Python here has a torch with $library; looked at:$looked" \
    "install torch $(about_value torch) in a virtual environment, or set COLLIE_TORCH_DIR to a torch folder"
}

# What the programs load: torch's libraries, and NVIDIA's beside it.
library_path() {
  local site
  site=$(dirname "$1")
  printf '%s\n' "$1/lib" "$site"/nvidia/*/lib | paste -sd:
}

# A value of the file that prebuild.sh left: torch, arch, commit.
about_value() { sed -n "s/^$1 //p" "$folder/about" 2> /dev/null; }

# The programs are for one torch (its C++ interface changes between releases) and for one architecture.
fits_the_card() {
  local built here
  built=$(about_value torch)
  here=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$torch/version.py" 2> /dev/null)
  if [ -n "$built" ] && [ -n "$here" ] && [ "$built" != "$here" ]; then
    missing "the programs were built for torch $built, and $torch is $here" \
      "COLLIE_GPU_TORCH=$here native/gpu/prebuild.sh makes them for this one"
  fi
  [ "$device" = cuda ] || return 0
  command -v nvidia-smi > /dev/null || missing 'there is no nvidia-smi: no NVIDIA driver' 'install the driver, or use COLLIE_TEST_DEVICE=cpu with a CPU build'
  built=$(about_value arch)
  here=sm_$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
  [ -z "$built" ] || [ "$built" = "$here" ] || missing "the programs were built for $built, and this card is $here" \
    "COLLIE_GPU_ARCH=$here native/gpu/prebuild.sh makes them for this one"
}
