/** What a model needs for a token of a run: forward and backward, nothing computed twice. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { native } from '../native/addon.ts';

/** In FLOPs, as the planner counts it (native/core/plan/layout_plan.cpp), with documents as long as those in the run's folder. Throws model.*, native.*, and where there is no data. */
export function flopsPerToken(runDir: string, spec: RunSpec): number {
  const config = readFileSync(join(spec.model, 'config.json'), 'utf8');
  const seq_len = meanContext(readFileSync(join(runDir, runFiles.dataDir, 'train.offsets.u64')));
  const counted = { ...spec, activation_checkpointing: 'off' as const, batch: { ...spec.batch, seq_len } };
  const ranks = native((addon) => addon.planLayout(config, JSON.stringify(counted), 1));
  return ranks.reduce((sum, rank) => sum + rank.flopsPerToken, 0);
}

/** The length of the document that a token is in, in the mean over tokens: a query sees half of it. `offsets`: of documents, and the end. */
export function meanContext(offsets: Buffer): number {
  const value = (at: number) => offsets.readUInt32LE(at) + offsets.readUInt32LE(at + 4) * 2 ** 32;
  let [tokens, squares] = [0, 0];
  for (let at = 8; at + 8 <= offsets.length; at += 8) {
    const length = value(at) - value(at - 8);
    tokens += length;
    squares += length * length;
  }
  // What a spec may say.
  return Math.min(131_072, Math.max(8, Math.round(tokens > 0 ? squares / tokens : 0)));
}
