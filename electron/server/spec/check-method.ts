/** Settings of the method against the model and among lists of names; what else does not go together is in shared/spec/rules.ts. */
import type { Method } from '../../shared/spec/methods.ts';
import { linearModuleNames, matchedModules } from '../../shared/spec/module-pattern.ts';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';

type Add = (path: string, code: string, message: string, received: unknown, suggestion: string) => void;

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
const repeated = (names: readonly string[]) => [
  ...new Set(names.filter((name, k, all) => all.indexOf(name) !== k)),
];

/** Lists in which an entry counts once. */
function checkRepeated(method: Method, add: Add): void {
  const lists = {
    target_modules: 'Target modules names',
    feedforward_modules: 'Feed-forward modules names',
    modules_to_save: 'Also train names',
  };
  for (const [key, who] of Object.entries(lists)) {
    const names = (method as Record<string, unknown>)[key];
    const twice = Array.isArray(names) ? repeated(names.map(String)) : [];
    if (twice.length > 0)
      add(
        `method.${key}`,
        'duplicate',
        `${who} ${twice.join(', ')} more than once.`,
        names,
        'Name each of them once.',
      );
  }
}

/** Every pattern has to match something: one that does not is a slip of the pen. */
function checkTargets(method: Method, found: Found, add: Add): void {
  if (!('target_modules' in method)) return;
  const { target_modules: targets } = method;
  if (found.model) {
    const { layers, name } = found.model.card;
    const modules = linearModuleNames(layers);
    const idle = targets.filter((pattern) => matchedModules([pattern], modules).length === 0);
    if (idle.length > 0) {
      const endings = [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))];
      const message = `${quoted(idle)} ${idle.length === 1 ? 'matches' : 'match'} no module of "${name}". Its ${layers} layers have ${endings.join(', ')}; a full name is ${modules[0]}.`;
      add(
        'method.target_modules',
        'no_match',
        message,
        targets,
        `Name one of them, or a pattern like *.mlp.*, or remove ${idle.length === 1 ? 'it' : 'them'}.`,
      );
    }
  }
  if (!('feedforward_modules' in method)) return;
  const foreign = method.feedforward_modules.filter((name) => !targets.includes(name));
  if (foreign.length > 0) {
    const message = `Feed-forward modules names ${quoted(foreign)}, which target modules does not.`;
    const way = `Add ${foreign.length === 1 ? 'it' : 'them'} to method.target_modules in the same words, or remove ${foreign.length === 1 ? 'it' : 'them'} here.`;
    add('method.feedforward_modules', 'not_together', message, method.feedforward_modules, way);
  }
  checkScaledInputs(method.feedforward_modules, targets, found, add);
}

/** Projections that share their input: the engine computes them in one product. */
const SHARED_INPUT = ['q_proj', 'k_proj', 'v_proj', 'gate_proj', 'up_proj'];

function checkScaledInputs(scaled: string[], targets: string[], found: Found, add: Add): void {
  const modules = linearModuleNames(found.model?.card.layers ?? 1);
  const both = matchedModules(scaled, matchedModules(targets, modules));
  const shared = SHARED_INPUT.filter((ending) => both.some((module) => module.endsWith(`.${ending}`)));
  if (shared.length === 0) return;
  const message = `The input of ${quoted(shared)} is also that of other projections, so it cannot be scaled for ${shared.length === 1 ? 'it' : 'them'} alone.`;
  const way = 'Name down_proj or o_proj as feed-forward modules; the outputs of all others can be scaled.';
  add('method.feedforward_modules', 'not_together', message, scaled, way);
}

/** What the model is too small for. */
function checkSize(method: Method, parts: Parts, found: Found, add: Add): void {
  const card = found.model?.card;
  if (!card) return;
  if ('last_layers' in method && method.last_layers > card.layers)
    add(
      'method.last_layers',
      'too_big',
      `The last ${method.last_layers} layers are to be trained; "${card.name}" has ${card.layers}.`,
      method.last_layers,
      `Use ${card.layers} or less, or full fine-tuning.`,
    );
  const { batch } = parts;
  // A sequence above the context on its own is the sequence length's issue.
  if (!('virtual_tokens' in method) || !batch || batch.seq_len > card.contextLength) return;
  const room = card.contextLength - batch.seq_len;
  if (method.virtual_tokens > room)
    add(
      'method.virtual_tokens',
      'above_context',
      `${method.virtual_tokens} virtual tokens before ${batch.seq_len} tokens of text are more than the ${card.contextLength} that "${card.name}" takes.`,
      method.virtual_tokens,
      room > 0
        ? `Use ${room} or less, or lower batch.seq_len to ${card.contextLength - method.virtual_tokens}.`
        : `Lower batch.seq_len to ${card.contextLength - method.virtual_tokens}.`,
    );
}

/** Tied models have one tensor under two names. */
function checkTied(method: Method, found: Found, add: Add): void {
  if (!('modules_to_save' in method) || !found.model?.card.tiedEmbeddings) return;
  const { modules_to_save: names } = method;
  if (names.includes('embed_tokens') && names.includes('lm_head'))
    add(
      'method.modules_to_save',
      'duplicate',
      `In "${found.model.card.name}" lm_head is embed_tokens: they share one tensor.`,
      names,
      'Name embed_tokens only.',
    );
}

export function checkMethod(parts: Parts, found: Found, findings: Findings): void {
  const { method } = parts;
  if (!method) return;
  const add: Add = (...what) => findings.issues.push(issue(...what));
  checkRepeated(method, add);
  checkTargets(method, found, add);
  checkSize(method, parts, found, add);
  checkTied(method, found, add);
}
