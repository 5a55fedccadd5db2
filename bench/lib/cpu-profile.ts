/** Where a `.cpuprofile`'s samples fall: by function and by module, in microseconds per unit of work. */
import { readFileSync } from 'node:fs';
import { root } from './product';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}
interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

/** Self time of one function or module. */
export interface SelfTime {
  readonly where: string;
  /** Microseconds per unit of work. */
  readonly each: number;
  /** Share of the busy time, 0 to 1. */
  readonly share: number;
}

/** Reads a profile. @param units how many mails (or rows …) were worked off meanwhile */
export function readProfile(
  file: string,
  units: number,
  top = 40,
): { busyEach: number; functions: SelfTime[]; modules: SelfTime[] } {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let busy = 0;
  samples.forEach((id, i) => {
    const node = byId.get(id);
    const time = timeDeltas[i] ?? 0;
    if (!node || node.callFrame.functionName === '(idle)') return;
    busy += time;
    const { functionName, url, lineNumber } = node.callFrame;
    const module = moduleOf(url);
    add(modules, url === '' ? functionName || '(native)' : module, time);
    add(
      functions,
      url === '' ? functionName || '(native)' : `${functionName || '(anonymous)'} ${module}:${lineNumber + 1}`,
      time,
    );
  });
  const list = (times: Map<string, number>): SelfTime[] =>
    [...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, top)
      .map(([where, time]) => ({
        where,
        each: Math.round((time / units) * 10) / 10,
        share: Math.round((time / busy) * 1000) / 1000,
      }));
  return { busyEach: Math.round((busy / units) * 10) / 10, functions: list(functions), modules: list(modules) };
}

function add(times: Map<string, number>, key: string, time: number): void {
  times.set(key, (times.get(key) ?? 0) + time);
}

function moduleOf(url: string): string {
  const file = url.replace(/^file:\/\//, '');
  return file.startsWith(root) ? file.slice(root.length + 1) : file.replace(/^.*\/node_modules\//, 'node_modules/');
}
