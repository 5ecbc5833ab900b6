/**
 * The metrics of a run as an event file of TensorBoard: records of TFRecord (length, CRC of it, bytes, CRC of them), each an `Event` of protocol buffers
 * (tensorflow/core/util/event.proto) with scalars as `simple_value`. Tags are `<source>/<metric>`.
 */
import type { Points } from '../../shared/runs/points.ts';
import { maskedCrc32c } from './crc32c.ts';
import type { MetricSource } from './metric-rows.ts';

/** `startedAt`: seconds since 1970; a point's wall time is that and the time that the run had been going for. */
export function* tensorboardRecords(sources: readonly MetricSource[], startedAt: number): Generator<Buffer> {
  yield record(event(startedAt, 0, bytesField(3, Buffer.from('brain.Event:2'))));
  for (const { name, points } of sources)
    for (let row = 0; row < points.length; row += 1) {
      const values = scalars(name, points, row);
      if (values.length === 0) continue;
      const { seconds, step } = points.place(row);
      yield record(event(startedAt + seconds, step, bytesField(5, Buffer.concat(values))));
    }
}

/** `Summary.value`, one for each metric that the point has. */
function scalars(source: string, points: Points, row: number): Buffer[] {
  return points.names.flatMap((metric) => {
    const value = points.at(metric, row);
    if (!Number.isFinite(value)) return [];
    const simple = Buffer.alloc(5);
    simple[0] = (2 << 3) | FIXED32;
    simple.writeFloatLE(value, 1);
    return bytesField(1, Buffer.concat([bytesField(1, Buffer.from(`${source}/${metric}`)), simple]));
  });
}

/** `what`: the file's version or a summary. */
function event(wallTime: number, step: number, what: Buffer): Buffer {
  const time = Buffer.alloc(9);
  time[0] = (1 << 3) | FIXED64;
  time.writeDoubleLE(wallTime, 1);
  return Buffer.concat([time, Buffer.from([(2 << 3) | VARINT]), varint(step), what]);
}

// Wire types of protocol buffers.
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

const bytesField = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | BYTES]), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function record(bytes: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(bytes.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(bytes));
  return Buffer.concat([head, bytes, tail]);
}
