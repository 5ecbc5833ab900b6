"""Writes gguf_grids.inc: the code books of the IQ types, as the `gguf` package packs them.

Run with gguf installed:  python native/core/formats/make_gguf_grids.py
"""

from pathlib import Path

from gguf import quants

NAMES = {"kIq2Xxs": quants.IQ2_XXS, "kIq2Xs": quants.IQ2_XS, "kIq2S": quants.IQ2_S, "kIq3Xxs": quants.IQ3_XXS, "kIq3S": quants.IQ3_S, "kIq1": quants.IQ1_S}
WIDTH = 116

lines = ["// Written by make_gguf_grids.py. Hexadecimal; grids of three values have four entries a byte, grids of eight two."]
for name, kind in NAMES.items():
    text = kind.grid_hex.decode()
    lines.append(f"constexpr std::string_view {name} =")
    lines += [f'    "{text[at : at + WIDTH]}"' for at in range(0, len(text), WIDTH)]
    lines[-1] += ";"
(Path(__file__).parent / "gguf_grids.inc").write_text("\n".join(lines) + "\n")
