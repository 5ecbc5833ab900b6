/** Layouts of ranks that studies compare, and what they are called. */
import { z } from 'zod';

export const layoutSchema = z.strictObject({
  dp_size: z.number().int().min(1).default(1),
  tp_size: z.number().int().min(1).default(1),
  pp_size: z.number().int().min(1).default(1),
  zero_stage: z.number().int().min(0).max(3).default(0),
});
export type Layout = z.output<typeof layoutSchema>;

export function layoutName({ dp_size, tp_size, pp_size, zero_stage }: Layout): string {
  const parts = [
    ...(dp_size > 1 ? [`dp ${dp_size}`] : []),
    ...(tp_size > 1 ? [`tp ${tp_size}`] : []),
    ...(pp_size > 1 ? [`pp ${pp_size}`] : []),
    ...(zero_stage > 0 ? [`ZeRO-${zero_stage}`] : []),
  ];
  return parts.length === 0 ? 'one rank' : parts.join(', ');
}

/** Every layout of 1, 2, 4 and 8 ranks, the fewest first; ZeRO where there are data-parallel ranks, 3 without stages. */
export function layoutsToChoose(): Layout[] {
  const sizes = [1, 2, 4, 8];
  const all = sizes.flatMap((dp_size) =>
    sizes.flatMap((tp_size) =>
      sizes.flatMap((pp_size) =>
        (dp_size > 1 ? [0, 1, 2, 3] : [0]).map((zero_stage) => ({ dp_size, tp_size, pp_size, zero_stage })),
      ),
    ),
  );
  const ranks = ({ dp_size, tp_size, pp_size }: Layout) => dp_size * tp_size * pp_size;
  const makes = (one: Layout) => ranks(one) <= 8 && !(one.zero_stage === 3 && one.pp_size > 1);
  return all.filter(makes).sort((a, b) => ranks(a) - ranks(b));
}
