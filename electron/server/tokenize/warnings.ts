/** What is worth saying of a conversation that is trained all the same. */

/** `unused:<field>`: a field of messages, or `tools`, that the template does not read. `unwritten:<role>`: a message that it leaves out. */
export type ConversationWarning =
  | 'history_rewritten'
  | 'prompt_differs'
  | 'end_of_turn_added'
  | 'no_end_of_turn'
  | 'special_in_content'
  | 'after_last_answer'
  | `unused:${string}`
  | `unwritten:${string}`;

const TEXTS: Readonly<Record<string, string>> = {
  history_rewritten:
    'The chat template writes earlier turns differently once later ones follow, so only the last answer is trained.',
  prompt_differs:
    'The chat template asks for an answer with another text than it writes before a given one; what is trained is the finished conversation as the template writes it.',
  end_of_turn_added:
    'The chat template writes nothing after an answer, so the end-of-sequence token was added there.',
  no_end_of_turn:
    'The model has no end-of-turn or end-of-sequence token: it cannot learn where an answer ends.',
  special_in_content: 'A message contains the text of a special token, which the model reads as that token.',
  after_last_answer: 'Messages after the last answer train nothing and are left out.',
};

export function warningText(warning: ConversationWarning): string {
  const [kind, name = ''] = warning.split(/:(.*)/s);
  if (kind === 'unused' && name === 'tools')
    return "The tools of a row are not used: the model's chat template writes none.";
  if (kind === 'unused')
    return `The field "${name}" of messages is not used: the model's chat template does not read it.`;
  if (kind === 'unwritten')
    return `The chat template does not write a ${name} message, so the model does not see it.`;
  return TEXTS[warning] ?? warning;
}
