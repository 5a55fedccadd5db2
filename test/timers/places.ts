import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../lib/clock';
import { openStore, type Scope, type Store } from '../../lib/store';
import { ClockTimers, openTimers, type Timers, type TimerSettings } from '../../lib/timers';

const POSTGRES = process.env['MARKETING_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';
const MYSQL = process.env['MARKETING_TEST_MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/test';
const REDIS = process.env['MARKETING_TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379/9';
const MONGO = process.env['MARKETING_TEST_MONGO_URL'];

/** Leases are short so that Agenda's own watch timers end soon after the tests. */
export const TEST_SETTINGS: Partial<TimerSettings> = { leaseMs: 4_000, retryMs: 20, watchMs: 200 };

export const systemClock = new SystemClock();

/** A place where timers can live, opened once per suite. */
export interface OpenPlace {
  /** Undefined where nothing is stored. */
  storeUrl: string | undefined;
  timersUrl: string | undefined;
  scope: Scope | undefined;
  /** Opens timers there; `tenant` keeps tests apart. */
  timers(tenant: string, settings?: Partial<TimerSettings>): Promise<Timers>;
  close(): Promise<void>;
}

export interface Place {
  name: string;
  /** Why its tests do not run; undefined when they do. */
  absent(): Promise<string | undefined>;
  open(): Promise<OpenPlace>;
  /** Several processes may share it. */
  shared: boolean;
  kept: boolean;
  /** Written by this project (its database can be looked into). */
  own: boolean;
}

async function answers(url: string): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(url);
  const usual: Record<string, number> = { 'postgres:': 5432, 'mysql:': 3306, 'redis:': 6379, 'mongodb:': 27017 };
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port || usual[protocol]), timeout: 2_000 });
    const say = (reason: string | undefined) => (): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.on('connect', say(undefined));
    socket.on('error', say(`nothing answers at ${hostname}:${port}`));
    socket.on('timeout', say(`nothing answers at ${hostname}:${port}`));
  });
}

/** A database of its own on a server, dropped at the end. */
async function freshDatabase(server: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `nm_timers_${randomBytes(5).toString('hex')}`;
  const admin = await openStore({ url: server, clock: systemClock });
  await admin.system.run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    drop: async () => {
      await admin.system.run(`DROP DATABASE ${name}${url.protocol === 'postgres:' ? ' WITH (FORCE)' : ''}`);
      await admin.close();
    },
  };
}

async function openOn(
  store: Store,
  url: string,
  timersUrl: string | undefined,
  drop: () => Promise<void>,
): Promise<OpenPlace> {
  await store.migrate();
  return {
    storeUrl: url,
    timersUrl,
    scope: store.tenant('looker'),
    timers: (tenant, settings) =>
      openTimers({
        scope: store.tenant(tenant),
        clock: systemClock,
        settings: { ...TEST_SETTINGS, ...settings },
        ...(timersUrl ? { url: timersUrl } : {}),
      }),
    close: async () => {
      await store.close();
      await drop();
    },
  };
}

async function openFile(timersUrl?: string): Promise<OpenPlace> {
  const folder = mkdtempSync(path.join(tmpdir(), 'nm-timers-'));
  const url = `sqlite:${path.join(folder, 'timers.sqlite')}`;
  const drop = (): Promise<void> => Promise.resolve(rmSync(folder, { recursive: true }));
  return openOn(await openStore({ url, clock: systemClock }), url, timersUrl, drop);
}

async function openServer(server: string): Promise<OpenPlace> {
  const { url, drop } = await freshDatabase(server);
  return openOn(await openStore({ url, clock: systemClock }), url, undefined, drop);
}

const present = (): Promise<undefined> => Promise.resolve(undefined);

/** Every place where timers can live. */
export const PLACES: Place[] = [
  {
    name: 'memory (ClockTimers)',
    absent: present,
    shared: false,
    kept: false,
    own: true,
    open: () =>
      Promise.resolve({
        storeUrl: undefined,
        timersUrl: undefined,
        scope: undefined,
        timers: (_tenant, settings) =>
          Promise.resolve(new ClockTimers(systemClock, { settings: { ...TEST_SETTINGS, ...settings } })),
        close: () => Promise.resolve(),
      }),
  },
  { name: 'store on SQLite', absent: present, shared: false, kept: true, own: true, open: () => openFile() },
  {
    name: 'store on PostgreSQL',
    absent: () => answers(POSTGRES),
    shared: true,
    kept: true,
    own: true,
    open: () => openServer(POSTGRES),
  },
  {
    name: 'store on MariaDB/MySQL',
    absent: () => answers(MYSQL),
    shared: true,
    kept: true,
    own: true,
    open: () => openServer(MYSQL),
  },
  {
    name: "Agenda's PostgreSQL backend",
    absent: () => answers(POSTGRES),
    shared: true,
    kept: true,
    own: false,
    open: async () => {
      const { url, drop } = await freshDatabase(POSTGRES);
      const place = await openFile(url);
      return {
        ...place,
        close: async () => {
          await place.close();
          await drop();
        },
      };
    },
  },
  {
    name: "Agenda's Redis backend",
    absent: () => answers(REDIS),
    shared: true,
    kept: true,
    own: false,
    open: () => openFile(REDIS),
  },
  {
    name: "Agenda's MongoDB backend",
    absent: () => (MONGO ? answers(MONGO) : Promise.resolve('MARKETING_TEST_MONGO_URL is not set')),
    shared: true,
    kept: true,
    own: false,
    open: () => openFile(MONGO),
  },
];

/** Begins a suite for each place; one that does not answer says so in the report and its tests are pending. */
export function inEveryPlace(
  tests: (at: { place: Place; opened: () => OpenPlace }) => void,
  filter = (_: Place): boolean => true,
): void {
  for (const place of PLACES.filter(filter)) {
    describe(place.name, () => {
      let opened: OpenPlace | undefined;
      before(async function () {
        const absent = await place.absent();
        if (absent) {
          console.log(`      not run: ${place.name}: ${absent}`);
          this.skip();
        }
        opened = await place.open();
      });
      tests({
        place,
        opened: () => {
          if (!opened) throw new Error('this place is not open');
          return opened;
        },
      });
      // Registered last, so that the tests' own clean-up still finds it open.
      after(async () => {
        await opened?.close();
      });
    });
  }
}
