/** GPT-2's way to write any byte as one printable character, which byte-level vocabularies are spelled in. */

const printable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

const characters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

export const spellBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => characters[byte]).join('');
