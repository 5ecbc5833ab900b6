"""Takes llama.cpp's vocabularies with test vectors out of the sdist of llama_cpp_python on PyPI: <folder> gets models/ggml-vocab-*.

Usage: vocabularies.py <folder>. Nothing of the package is built or run beyond what pip asks for its metadata.
"""

import glob
import os
import subprocess
import sys
import tarfile

PACKAGE = "llama_cpp_python==0.3.36"
folder = sys.argv[1]
command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "llama_cpp_python", "-d", folder, PACKAGE]
if not glob.glob(f"{folder}/*.tar.gz"):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
with tarfile.open(glob.glob(f"{folder}/*.tar.gz")[0]) as archive:
    for member in archive:
        name = os.path.basename(member.name)
        if member.isfile() and "/models/ggml-vocab-" in member.name:
            with open(os.path.join(folder, name), "wb") as out:
                out.write(archive.extractfile(member).read())
