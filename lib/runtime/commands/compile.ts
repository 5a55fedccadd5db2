import { writeFileSync } from 'node:fs';
import { compileDefinition, type CompileOptions, type DefinitionDocument, type FlowNode } from '../../definitions';
import { InputError, messageOf } from '../../errors';
import type { Answer, Command, CommandContext } from '../command';
import { readFlows } from '../user-dir';
import { problemLines, readDocumentFile } from '../document-file';

/** From a definition as JSON to a flow that can be imported and drawn on. */
export const compile: Command = {
  name: 'compile',
  summary: 'turn a definition (JSON) into a flow that can be imported',
  usage: 'FILE [--out FILE] [--flows FILE] [--store ID] [--check]',
  details: `Reads a definition document and writes the flow that it means: a tab with triggers, checks, waits and send nodes.
The same document gives the same flow; node ids and step names stay from version to version, so that people who are inside
stay. What cannot be sent yet has a send node that asks for an account; what is left to do stands on stderr.

  FILE           the document; - reads the standard input
  --out FILE     write the flow there; default: stdout
  --flows FILE   a flow file that it is to go with: its store and its accounts are used
  --store ID     id of the store node that it is to use; default: the first one of --flows, else one comes along
  --check        only check the document`,
  examples: [
    'nexus-marketing compile welcome.json --out welcome-flow.json',
    'nexus-marketing compile welcome.json --flows flows/mailing.json --out flows/welcome.json',
    'nexus-marketing compile welcome.json --check',
  ],
  options: {
    out: { type: 'string' },
    flows: { type: 'string' },
    store: { type: 'string' },
    check: { type: 'boolean' },
  },
  run(context) {
    const file = context.word(0, 'FILE');
    const document = readDocumentFile(file);
    const { flow, warnings, definitions } = compiled(context, document);
    if (context.flag('check')) {
      const data = { ok: true, definitions, warnings };
      return Promise.resolve({ data, lines: [`${file} is a correct definition.`, ...warnings.map(asPoint)] });
    }
    for (const warning of warnings) context.screen.note(asPoint(warning));
    return Promise.resolve(written(context, flow, { definitions, warnings }));
  },
};

function compiled(context: CommandContext, document: DefinitionDocument): ReturnType<typeof compileDefinition> {
  try {
    return compileDefinition(document, optionsOf(context));
  } catch (error) {
    if (error instanceof InputError) for (const line of problemLines(error)) context.screen.note(line);
    throw error;
  }
}

function optionsOf(context: CommandContext): CompileOptions {
  const file = context.text('flows');
  const nodes = file === undefined ? [] : readFlows(file);
  const textOf = (node: (typeof nodes)[number], property: string): string => {
    const value = node[property];
    return typeof value === 'string' ? value : '';
  };
  const store =
    context.text('store') ??
    nodes.map((node) => (node['type'] === 'marketing-store' ? textOf(node, 'id') : '')).find(Boolean);
  const accounts = nodes
    .filter((node) => node['type'] === 'marketing-account')
    .map((node) => ({ id: textOf(node, 'id'), name: textOf(node, 'name'), channel: textOf(node, 'channel') }));
  return { accounts, ...(store === undefined ? {} : { store: { id: store } }) };
}

/** The flow is the answer for programs and people alike, unless it goes to a file. */
function written(context: CommandContext, flow: readonly FlowNode[], about: object): Answer {
  const text = JSON.stringify(flow, null, 4);
  const out = context.text('out');
  if (out === undefined) return { data: flow, lines: [text] };
  try {
    writeFileSync(out, `${text}\n`);
  } catch (error) {
    throw new InputError('E_FILE', `${out} cannot be written: ${messageOf(error)}. Choose another file with --out.`, {
      cause: error,
    });
  }
  const nodes = flow.length === 1 ? '1 node' : `${flow.length} nodes`;
  return { data: { out, nodes: flow.length, ...about }, lines: [`Wrote ${nodes} to ${out}.`] };
}

function asPoint(warning: string): string {
  return `- ${warning}`;
}
