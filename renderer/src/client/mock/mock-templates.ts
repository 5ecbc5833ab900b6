/** What the mock library's models are asked for one by one: chat templates (ChatML for models that bring one, a plain one for the others), memory. */
import type { ChatTemplateInfo } from '../../../../electron/shared/api/entities.ts';
import type { ModelFit, Verdict } from '../../../../electron/shared/api/model-fit.ts';
import { methodTitle } from '../../../../electron/shared/spec/method-traits.ts';
import { methodTypes } from '../../../../electron/shared/spec/methods.ts';
import type { Handlers } from './mock-client.ts';
import { mockModels } from './mock-data.ts';

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const PLAIN = "{% for message in messages %}{{ message['content'] }}{{ '\\n' }}{% endfor %}";

export function mockTemplates(): Pick<Handlers, 'models.template' | 'models.setTemplate' | 'models.fit'> {
  const edited = new Map<string, string>();
  const info = (id: string): ChatTemplateInfo => {
    const brings = mockModels.find((model) => model.id === id)?.hasChatTemplate ?? true;
    const example = brings
      ? '<|im_start|>user\nWhat is a collie?<|im_end|>\n<|im_start|>assistant\nA dog that herds sheep.<|im_end|>\n<|im_start|>user\nIs it fast?<|im_end|>\n<|im_start|>assistant\n'
      : 'What is a collie?\nA dog that herds sheep.</s>Is it fast?\n';
    return {
      text: edited.get(id) ?? (brings ? CHATML : PLAIN),
      place: edited.has(id) ? 'chat_template.jinja' : brings ? 'tokenizer_config.json' : 'plain',
      edited: edited.has(id),
      example,
      problem: null,
    };
  };
  return {
    'models.fit': () => mockFit(),
    'models.template': ({ id }) => info(id),
    'models.setTemplate': ({ id, text }) => {
      if (text === null) edited.delete(id);
      else edited.set(id, text);
      return info(id);
    },
  };
}

/** Each method takes more than the one before; the last cannot be had. */
function mockFit(): ModelFit {
  const availableBytes = 16 * 2 ** 30;
  const methods = methodTypes.map((type, i) => {
    const totalBytes = (3 + 1.5 * i) * 2 ** 30;
    const verdict: Verdict =
      totalBytes > availableBytes ? 'does_not_fit' : totalBytes > 0.85 * availableBytes ? 'tight' : 'fits';
    const fit = { type, title: methodTitle(type), totalBytes, verdict, refusal: null };
    const refused = { totalBytes: null, verdict: null, refusal: 'This model cannot be trained with it.' };
    return i < methodTypes.length - 1 ? fit : { ...fit, ...refused };
  });
  return { device: 'NVIDIA L4', availableBytes, seqLen: 1024, methods };
}
