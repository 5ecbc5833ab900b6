/** What a field of the RunSpec shows besides its type and range: the vocabulary of forms, docs and the CLI. */
import { z } from 'zod';

/** What follows from the choice of a method, for host, form, command line and docs: told once, with the method. */
export interface MethodTraits {
  /** What becomes of the model's own weights: left alone, trained, or changed once before the training begins. */
  base: 'frozen' | 'trained' | 'rewritten';
  /** Form of an exported adapter: PEFT's own, one that only this workbench reads, or none. */
  adapter: 'peft' | 'own' | 'none';
  /** `peft_type` in adapter_config.json, for `adapter: 'peft'`. */
  peftType?: 'LORA' | 'ADALORA' | 'IA3' | 'PROMPT_TUNING' | 'PREFIX_TUNING' | 'P_TUNING';
  /** Whether adapter_config.json has `use_dora`, which tells methods of one `peftType` apart. */
  useDora?: true;
  /** Why the training cannot be folded into the model's weights; left out: it can. */
  notMergeable?: string;
  /** Why it has no adapter, behind its title, for `adapter: 'none'`. */
  noAdapter?: string;
  /** Its adapter is plain LoRA, which other programs than PEFT load as well. */
  plainLora?: true;
  /** Numbers in an exported adapter for each trained one; 1 when left out, null: known only when it is written. */
  adapterFactor?: number | null;
  /** What surprises about an export, for its model card; {key} stands for a setting. */
  cardNotes?: { adapter?: string; merged?: string };
  /** What it trains, behind "trains"; {key} stands for a setting: "LoRA adapters of rank {rank}". */
  trains: string;
  /** What it costs, in a sentence for the docs. */
  cost: string;
  /** When it is the right choice, in a sentence for the docs. */
  choose: string;
  /** Learning rates with AdamW: the recommended one, and the range beyond which a warning is due. */
  usualRate: { low: number; start: number; high: number };
}

/** What a method or an optimizer can exclude: settings beyond it, with their numbers and fixes in rules.ts. */
export type RuleFeature =
  | 'tensor_parallel'
  | 'pipeline_parallel'
  | 'zero'
  | 'fused_update'
  | 'quantization'
  | 'accumulation';

/** Of a setting, or of several with `+`, `*`, `up_to` (the next multiple) between: what must hold of the value. */
export interface RuleCondition {
  value: string;
  is?: string | number | boolean;
  not?: string;
  one_of?: string[];
  above?: number | string;
  from?: number | string;
  no_multiple_of?: number | string;
}

/** Settings that do not go together: refused where all of `when` holds. {setting} in message and fix stands for its value. */
export interface Rule {
  id: string;
  /** Where the issue stands. */
  path: string;
  code: 'not_together' | 'not_divisible' | 'not_whole';
  when: RuleCondition[];
  message: string;
  fix: string;
  /** What is refused and why, in words for the docs. */
  refused: string;
  reason: string;
}

/** What a form field or a docs row shows besides the type and range, which come from zod itself. */
export interface FieldMeta {
  title: string;
  help: string;
  unit?: string;
  /** Shown only when the user opens "Advanced". */
  advanced?: boolean;
  /** A sensible step for number inputs; `log` asks for a logarithmic control. */
  step?: number;
  scale?: 'linear' | 'log';
  paper?: { title: string; url: string };
  /** What the form offers instead of a plain input: pickers of the library, a dataset's columns, a larger text box, buttons for one less and one more. */
  control?:
    | 'model'
    | 'dataset'
    | 'column'
    | 'multiline'
    | 'adapter'
    | 'stepper'
    | 'evaluation_sets'
    | 'callbacks';
  /** A switch that can be set only where another number is above a bound; `otherwise` says so. */
  needs?: { path: string; above: number; otherwise: string };
  /** What the form shows beside the field besides its help. */
  beside?: 'global_batch';
  /** Usual values of a list of texts; others may be typed. */
  suggestions?: string[];
  /** Of a variant: the heading under which choices list it. */
  family?: string;
  /** Of a variant: what a run with it is called in a line; {key} stands for a setting: "LoRA r{rank}". */
  short?: string;
  /** Of a method. */
  traits?: MethodTraits;
  /** Of a method or an optimizer: what it does not go with, why (behind "because"), and what else to do than turn that off. */
  excludes?: { feature: RuleFeature; because: string; instead?: string }[];
  /** Of a method or an optimizer: what its own settings must hold. */
  rules?: Rule[];
  /** Of an optimizer that changes a weight as soon as its gradient is there. */
  updates?: 'inside_backward';
  /** Of a learning rate: the recommended one as a multiple of AdamW's. Such a field is null where it is not set. */
  rateFactor?: number;
}

/** Titles, help and the like of a schema, in the form zod takes them. */
export const meta = (m: FieldMeta) => m as unknown as Record<string, unknown>;
/** Whole numbers from min to max. */
export const int = (min: number, max: number) => z.number().int().min(min).max(max);
