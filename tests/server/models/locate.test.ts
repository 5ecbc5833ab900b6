/** Which model is meant by a path: folders as huggingface_hub, LM Studio, PEFT and people leave them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { locateModel, nameOfFolder } from '../../../electron/server/models/locate.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'collie-locate-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function files(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '{}');
  }
}
const model = (folder: string) => files(`${folder}/config.json`, `${folder}/model.safetensors`);
const located = async (path: string) => {
  const { kind, path: found } = await locateModel(join(root, path));
  return `${kind} ${found.slice(root.length + 1)}`;
};
const refusal = (path: string) =>
  locateModel(join(root, path)).then(
    () => 'found',
    ({ code, message, hint }) => `${code}: ${message} ${hint}`,
  );

it('a model folder is itself', async () => {
  model('m');
  files('m/original/params.json', 'm/onnx/config.json');
  expect(await located('m')).toBe('folder m');
});

it('shards with their index', async () => {
  files('m/config.json', 'm/model.safetensors.index.json');
  expect(await located('m')).toBe('folder m');
});

it.each(['cache', 'cache/hub', 'cache/hub/models--owner--tiny', 'cache/hub/models--owner--tiny/snapshots'])(
  'the only model below %s',
  async (path) => {
    const cached = 'cache/hub/models--owner--tiny';
    files(`${cached}/blobs/1`, `${cached}/refs/x`, 'cache/hub/version.txt', 'cache/token');
    const snapshot = `${cached}/snapshots/abc123`;
    mkdirSync(join(root, snapshot), { recursive: true });
    for (const name of ['config.json', 'model.safetensors'])
      symlinkSync('../../blobs/1', join(root, snapshot, name));
    expect(await located(path)).toBe(`folder ${snapshot}`);
    expect(nameOfFolder(join(root, snapshot))).toBe('tiny');
  },
);

it('of several versions in a cache, the one of main; without it they are named', async () => {
  model('models--o--m/snapshots/aaa');
  model('models--o--m/snapshots/bbb');
  expect(await refusal('models--o--m')).toMatch(/holds 2 versions of a model\. Choose one: .*aaa, .*bbb/);
  files('models--o--m/refs/main');
  writeFileSync(join(root, 'models--o--m/refs/main'), 'bbb\n');
  expect(await located('models--o--m')).toBe('folder models--o--m/snapshots/bbb');
});

it('the folder above one model, and above several', async () => {
  model('above/one');
  expect(await located('above')).toBe('folder above/one');
  model('above/two');
  expect(await refusal('above')).toMatch(
    /above holds 2 models\. Choose one of them: .*above\/one, .*above\/two/,
  );
});

it('a folder below a model is told so', async () => {
  model('m');
  files('m/tokenizer/tokenizer.json');
  expect(await refusal('m/tokenizer')).toContain(
    `is a part of a model. Choose the folder above it: ${join(root, 'm')}.`,
  );
});

it.each(['config.json', 'model.safetensors'])('a file of the folder (%s) means the folder', async (name) => {
  model('m');
  expect(await located(`m/${name}`)).toBe('folder m');
});

it('the folder of a GGUF file, with a config.json or above it', async () => {
  files('g/publisher/x.Q4_0.gguf', 'c/config.json', 'c/y.gguf');
  expect(await located('g/publisher')).toBe('gguf g/publisher/x.Q4_0.gguf');
  expect(await located('g')).toBe('gguf g/publisher/x.Q4_0.gguf');
  expect(await located('c')).toBe('gguf c/y.gguf');
});

it('several GGUF files are named; one in parts is found by its first', async () => {
  files('g/x.Q4_0.gguf', 'g/x.Q8_0.gguf', 'p/x-00001-of-00002.gguf', 'p/x-00002-of-00002.gguf');
  expect(await refusal('g')).toMatch(/holds 2 GGUF files\. Choose one of them: .*Q4_0\.gguf, .*Q8_0\.gguf/);
  expect(await located('p')).toBe('gguf p/x-00001-of-00002.gguf');
});

it('an adapter is no model; its base is named', async () => {
  files('a/adapter_model.safetensors', 'a/adapter_config.json');
  writeFileSync(join(root, 'a/adapter_config.json'), '{"base_model_name_or_path": "owner/base"}');
  expect(await refusal('a')).toMatch(/a is an adapter of owner\/base, not a model\. .*method\.init_adapter/);
  files('a/config.json'); // as some tools save it beside
  expect(await refusal('a')).toMatch(/is an adapter of owner\/base/);
});

it('a run, and weights of an older format, are named', async () => {
  files('run/spec.json', 'run/checkpoints/step-1/meta.json', 'old/config.json', 'old/pytorch_model.bin');
  expect(await refusal('run')).toMatch(/is a run, not a model\. Export a merged model/);
  expect(await refusal('old')).toMatch(/older format only \(pytorch_model\.bin\)\. .*save_pretrained/);
});

it('what lies beside the weights of a cache points to the model; half a download says so', async () => {
  model('models--o--m/snapshots/aaa');
  files('models--o--m/blobs/1', 'models--o--m/refs/main', 'models--o--half/blobs/1');
  for (const part of ['blobs', 'refs'])
    expect(await refusal(`models--o--m/${part}`)).toContain(
      `is a part of a cached model. Choose the folder above it: ${join(root, 'models--o--m')}.`,
    );
  expect(await refusal('models--o--half')).toContain('its download did not come to an end');
});

it('a model some folders further down; a projector beside a GGUF file is none', async () => {
  model('a/b/c/m');
  expect(await located('a')).toBe('folder a/b/c/m');
  files('g/x.Q4_0.gguf', 'g/mmproj-x-f16.gguf');
  expect(await located('g')).toBe('gguf g/x.Q4_0.gguf');
});

it('weights of an adapter or in an older format, named by their file', async () => {
  files('a/adapter_model.safetensors', 'a/adapter_config.json', 'old/config.json', 'old/pytorch_model.bin');
  expect(await refusal('a/adapter_model.safetensors')).toContain('a is an adapter, not a model.');
  expect(await refusal('old/pytorch_model.bin')).toContain('older format only (pytorch_model.bin)');
});

it('a pipe and a device are refused, not waited for', async () => {
  execFileSync('mkfifo', [join(root, 'pipe')]);
  expect(await refusal('pipe')).toMatch(/^model\.not_found: .*pipe is a pipe \(FIFO\), not a file\./);
  symlinkSync('/dev/zero', join(root, 'zero'));
  expect(await refusal('zero')).toMatch(/zero is a device, not a file\./);
});

it('a folder of nothing known is left to who reads it', async () => {
  files('x/readme.md');
  expect(await located('x')).toBe('folder x');
  expect(await refusal('x/readme.md')).toMatch(/^gguf\.not_gguf/);
});
