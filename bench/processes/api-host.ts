/** Our side of the bench `api`: the product with its ledger and timers at work, and the REST API on loopback. */
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { answerParent } from '../lib/child';
import { product } from '../lib/product';

type Lib = typeof import('../../lib');
type Http = typeof import('../../lib/http');
type Marketing = Awaited<ReturnType<Lib['openMarketing']>>;

/** What the process does. */
export interface ApiHostQuestions {
  /** Serves the database; where, and with which token. */
  open(databaseUrl: string): Promise<{ url: string; token: string }>;
  [question: string]: (argument: never) => unknown;
}

process.setSourceMapsEnabled(false);

const LARGE = { limit: 1e9, perSeconds: 60 };
let marketing: Marketing | undefined;
let server: Server | undefined;

answerParent<ApiHostQuestions>(
  {
    async open(databaseUrl) {
      const { openMarketing, SystemClock } = product<Lib>('lib/index');
      const opened = await openMarketing({ database: { url: databaseUrl } });
      marketing = opened;
      await opened.definitions.deploy('bench', [
        {
          key: 'made',
          name: 'Made',
          entry: 'launch',
          entryMode: 'launch',
          onUnknown: 'hold',
          stations: [{ step: 'launch', kind: 'trigger', node: 'n1', hash: 'h1', forks: false }],
          body: {},
        },
      ]);
      const { marketingApi } = product<Http>('lib/http/index');
      const api = marketingApi(
        {
          clock: new SystemClock(),
          open: () => [opened],
          onError: (error) => process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
        },
        // Counted as always, with limits that the bench does not reach.
        { rules: { address: LARGE, token: LARGE, tenant: LARGE } },
      );
      server = createServer(express().use(api.router)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server?.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const { token } = await opened.tokens.create({ name: 'bench', owner: 'bench', roles: ['admin'] });
      return { url: `http://127.0.0.1:${port}/api/v1`, token };
    },
  },
  async () => {
    server?.closeAllConnections();
    server?.close();
    await marketing?.close();
  },
);
