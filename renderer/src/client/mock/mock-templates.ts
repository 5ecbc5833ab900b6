/** Chat templates of the mock library: ChatML for models that bring one, a plain one for the others. */
import type { ChatTemplateInfo } from '../../../../electron/shared/api/entities.ts';
import type { Handlers } from './mock-client.ts';
import { mockModels } from './mock-data.ts';

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const PLAIN = "{% for message in messages %}{{ message['content'] }}{{ '\\n' }}{% endfor %}";

export function mockTemplates(): Pick<Handlers, 'models.template' | 'models.setTemplate'> {
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
    'models.template': ({ id }) => info(id),
    'models.setTemplate': ({ id, text }) => {
      if (text === null) edited.delete(id);
      else edited.set(id, text);
      return info(id);
    },
  };
}
