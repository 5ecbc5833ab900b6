/** The browser shell: one HTTP server on loopback that serves the page and carries the API over a WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import sirv from 'sirv';
import { type WebSocket, WebSocketServer } from 'ws';
import { WEBSOCKET_CLOSE_DENIED, WEBSOCKET_PATH } from '../shared/api/bridge.ts';
import { pack } from '../shared/api/bytes.ts';
import type { Reply } from '../shared/api/reply.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';
import { checkHost, checkOrigin, checkToken, type Gate, setCookieHeader } from './auth.ts';
import { type ApiHost, Dispatcher } from './dispatch.ts';
import { securityHeaders } from './headers.ts';

export interface ServeOptions {
  host: ApiHost;
  token: string;
  /** 0: any free port. */
  port: number;
  /** Folder of the built page. */
  pageDir: string;
  allowedOrigins?: readonly string[];
}

export interface RunningServer {
  port: number;
  /** Works once and for every reload: carries the token, which a redirect turns into a cookie. */
  url: string;
  close(): Promise<void>;
}

/** Largest message a client may send. A spec with 16 long sample prompts is far below. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Above this many unsent bytes a subscription waits. */
const HIGH_WATER_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 30_000;
/** A client with so much unsent is asked nothing more: its messages wait in the kernel. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** Of a page with its tabs, command lines and half-open sockets that nobody closes. */
const MAX_CONNECTIONS = 512;
const MAX_CLIENTS = 64;
/** A socket that has asked for nothing yet. */
const REQUEST_TIMEOUT_MS = 15_000;

/** Listens on 127.0.0.1. Throws setup.failed when the port is taken. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const http = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 3,
  });
  http.maxConnections = MAX_CONNECTIONS;
  http.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(http, options.port);
  const gate: Gate = { port, token: options.token, allowedOrigins: options.allowedOrigins ?? [] };
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  // `dev` looks at the disk for each request: a page that is built again while we serve is never half old.
  const page = sirv(options.pageDir, { single: true, etag: true, dev: true, setHeaders: keepForever });

  http.on('request', (request, response) => answerHttp(request, response, gate, page));
  http.on('upgrade', (request, socket, head) => {
    const verdict = upgradeVerdict(request, gate);
    if (typeof verdict === 'object') return refuse(socket, verdict);
    if (sockets.clients.size >= MAX_CLIENTS) return refuse(socket, TOO_MANY);
    socket.on('error', () => socket.destroy());
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (verdict === 'in') attach(client, options.host);
      else client.close(WEBSOCKET_CLOSE_DENIED, 'wrong token');
    });
  });
  const heartbeat = startHeartbeat(sockets);

  return {
    port,
    url: `http://127.0.0.1:${port}/?token=${options.token}`,
    async close() {
      clearInterval(heartbeat);
      for (const client of sockets.clients) client.terminate();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    },
  };
}

/** Files whose names change with their content need not be asked for again; nor need what the browser has compiled of them. */
function keepForever(response: ServerResponse, pathname: string): void {
  if (/^\/assets\/[^/]+\.\w+$/.test(pathname))
    response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
}

function listen(http: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const hint = taken ? 'Give another port with --port, or 0 for any free one.' : '';
      reject(
        new CollieError('setup.failed', `Cannot listen on port ${port}: ${error.message}`, hint, { port }),
      );
    });
    http.listen(port, '127.0.0.1', () => resolve((http.address() as AddressInfo).port));
  });
}

function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  gate: Gate,
  page: ReturnType<typeof sirv>,
): void {
  for (const [name, value] of securityHeaders(gate.port)) response.setHeader(name, value);
  const url = requestUrl(request, gate);
  const refusal = refuseHttp(request, url, gate);
  if (refusal) plain(response, refusal.status, refusal.text);
  else if (url.searchParams.has('token')) redirectWithCookie(response, url, gate);
  else page(request, response, () => plain(response, 404, NO_PAGE));
}

const TOO_MANY = { status: '503 Service Unavailable', text: 'Too many open pages.' };
const NO_PAGE = 'No page here. Is it built? `npm run build:renderer` does it.';

function requestUrl(request: IncomingMessage, gate: Gate): URL {
  const base = `http://127.0.0.1:${gate.port}`;
  // A request line like `GET //x:y` is no path of ours and no reason to throw.
  return URL.canParse(request.url ?? '/', base) ? new URL(request.url ?? '/', base) : new URL('/', base);
}

function refuseHttp(request: IncomingMessage, url: URL, gate: Gate): { status: number; text: string } | null {
  try {
    checkHost(request, gate);
    checkOrigin(request, gate);
    checkToken(request, url, gate);
  } catch (thrown) {
    const { message, hint } = toErrorInfo(thrown);
    return { status: 401, text: `${message} ${hint}` };
  }
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  return readOnly ? null : { status: 405, text: 'Only GET.' };
}

function redirectWithCookie(response: ServerResponse, url: URL, gate: Gate): void {
  url.searchParams.delete('token');
  response.setHeader('Set-Cookie', setCookieHeader(gate.port, gate.token));
  // `//name` would be another host to the browser.
  response.setHeader('Location', `${url.pathname.replace(/^[/\\]+/, '/')}${url.search}`);
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(302).end();
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status).end(`${text}\n`);
}

/**
 * Foreign pages do not get a socket at all. Our own page with a wrong or old token gets one that closes with a code, as
 * a browser does not tell a page why a socket was refused.
 */
function upgradeVerdict(
  request: IncomingMessage,
  gate: Gate,
): 'in' | 'denied' | { status: string; text: string } {
  const url = requestUrl(request, gate);
  if (url.pathname !== WEBSOCKET_PATH) return { status: '404 Not Found', text: 'Not found.' };
  try {
    checkHost(request, gate);
    checkOrigin(request, gate);
  } catch (thrown) {
    return { status: '403 Forbidden', text: toErrorInfo(thrown).message };
  }
  try {
    checkToken(request, url, gate);
    return 'in';
  } catch {
    return 'denied';
  }
}

function refuse(socket: Duplex, refusal: { status: string; text: string }): void {
  const body = `${refusal.text}\n`;
  const headers = `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${refusal.status}\r\n${headers}\r\n\r\n${body}`);
}

function attach(client: WebSocket, host: ApiHost): void {
  const dispatcher = new Dispatcher(host, { write: (reply) => write(client, reply) });
  client.on('message', (data, isBinary) => {
    if (isBinary) return client.close(1003, 'text only');
    let message: unknown;
    try {
      message = JSON.parse(data.toString()); // How deep it may be is the dispatcher's to say.
    } catch {
      return client.close(1007, 'not JSON');
    }
    dispatcher.receive(message);
  });
  client.on('message', () => {
    if (client.bufferedAmount > MAX_UNSENT_BYTES) resumeWhenRead(client);
  });
  // ws reports oversized and malformed frames here and closes the socket itself.
  client.on('error', () => {});
  client.on('close', () => dispatcher.close());
}

/** Takes no more messages of a client until it has read what it asked for; the heartbeat ends one that never does. */
function resumeWhenRead(client: WebSocket): void {
  if (client.isPaused) return;
  client.pause();
  const timer = setInterval(() => {
    if (client.readyState === client.OPEN && client.bufferedAmount > HIGH_WATER_BYTES) return;
    clearInterval(timer);
    client.resume();
  }, 50);
}

/** Returns at once while the client keeps up, else when its buffer has drained. */
function write(client: WebSocket, reply: Reply): Promise<void> {
  if (client.readyState !== client.OPEN) return Promise.resolve();
  return new Promise((resolve) => {
    client.send(pack(reply), () => resolve());
    if (client.bufferedAmount < HIGH_WATER_BYTES) resolve();
  });
}

/** Ends sockets whose other side is gone without a word (sleep, cable), so that their subscriptions end too. */
function startHeartbeat(sockets: WebSocketServer): NodeJS.Timeout {
  const silent = new WeakSet<WebSocket>();
  const timer = setInterval(() => {
    for (const client of sockets.clients) {
      if (silent.has(client)) client.terminate();
      else {
        silent.add(client);
        client.once('pong', () => silent.delete(client));
        client.ping();
      }
    }
  }, HEARTBEAT_MS);
  timer.unref();
  return timer;
}
