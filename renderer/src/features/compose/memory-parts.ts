/** How the memory bar is divided and how far it reaches. Pure. */
import type { RunPreview } from '../../../../electron/shared/api/entities.ts';

type Memory = RunPreview['memory'];

export const partNames = ['weights', 'gradients', 'optimizer', 'activations', 'program'] as const;
export type PartName = (typeof partNames)[number];

export interface MemoryPart {
  name: PartName;
  title: string;
  bytes: number;
}

/** Every part, empty ones too: the legend keeps its lines while one chooses. */
export function memoryParts(memory: Memory): MemoryPart[] {
  const parts: MemoryPart[] = [
    { name: 'weights', title: 'Weights', bytes: memory.weightsBytes },
    { name: 'gradients', title: 'Gradients', bytes: memory.gradientsBytes },
    { name: 'optimizer', title: 'Optimizer', bytes: memory.optimizerBytes },
    { name: 'activations', title: 'Activations', bytes: memory.activationsBytes },
  ];
  // What no part of the run explains: the program itself, its libraries and buffers.
  const rest = memory.totalBytes - parts.reduce((sum, part) => sum + part.bytes, 0);
  return [...parts, { name: 'program', title: 'Program and buffers', bytes: Math.max(0, rest) }];
}

/** Below this share of the available memory the bar would be too short to see its parts. */
const SMALL = 0.2;

export interface MemoryScale {
  /** Bytes at the right end of the bar. */
  end: number;
  /** Where the available memory ends, 0..1 of the bar; null: beyond its end. */
  limit: number | null;
}

/**
 * A scale that stands still while one chooses, so that lengths can be compared: all of the available memory, or for small runs
 * the next power of two.
 */
export function memoryScale({ totalBytes, availableBytes }: Memory): MemoryScale {
  if (totalBytes >= SMALL * availableBytes) {
    const end = Math.max(totalBytes, availableBytes, 1) * 1.03;
    return { end, limit: availableBytes / end };
  }
  return { end: 2 ** Math.ceil(Math.log2(Math.max(totalBytes, 1) * 1.05)), limit: null };
}
