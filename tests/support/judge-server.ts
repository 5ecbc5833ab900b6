/** A judge for tests: an OpenAI-compatible server on this machine that does what it is told, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedJudge {
  prompt: string;
  model: string;
  body: Record<string, unknown>;
  authorization: string | undefined;
}

/** What it does with one request. */
export type Conduct = (response: ServerResponse, asked: AskedJudge) => void;

/** A chat completion with this text. */
export const says =
  (text: string | ((asked: AskedJudge) => string)): Conduct =>
  (response, asked) => {
    const content = typeof text === 'string' ? text : text(asked);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }));
  };

export const answers =
  (status: number, body = '', headers: Record<string, string> = {}): Conduct =>
  (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

/** Never answers. */
export const hangs: Conduct = () => {};

/** Sends for as long as somebody reads. */
export const floods: Conduct = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const more = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
};

export class JudgeServer {
  readonly asked: AskedJudge[] = [];
  /** Of each request in turn; the last one stays. */
  conducts: Conduct[];
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(conducts: Conduct[]) {
    this.conducts = conducts;
  }

  static async start(...conducts: Conduct[]): Promise<JudgeServer> {
    const judge = new JudgeServer(conducts);
    await new Promise<void>((ready) => judge.#server.listen(0, '127.0.0.1', ready));
    return judge;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/v1`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(text) as { model: string; messages: { content: string }[] };
    const asked: AskedJudge = {
      prompt: body.messages[0]?.content ?? '',
      model: body.model,
      body: { ...body },
      authorization: request.headers.authorization,
    };
    this.asked.push(asked);
    const conduct = this.conducts.length > 1 ? this.conducts.shift() : this.conducts[0];
    conduct?.(response, asked);
  }
}
