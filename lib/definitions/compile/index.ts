/** From a definition document to a flow that a marketer can go on drawing. */
import type { DefinitionDocument } from '../document';
import { readDocument } from '../read';
import type { ReadDefinition } from '../read/types';
import { commentBox, tabNode, USUAL_STORE } from './boxes';
import { describe } from './describe';
import { journeySections } from './journey';
import { layOut } from './layout';
import { Pen } from './pen';
import { triggerSections } from './triggers';
import type { CompiledFlow, CompileOptions } from './types';

export { ownerOf } from './boxes';
export type { CompiledFlow, CompileOptions, FlowNode, KnownAccount, Owner } from './types';

/**
 * Compiles a definition into a flow: one tab with its journeys and a comment that says the rest. The same document gives the
 * same flow, and what is the same in a later version keeps its ids and step names, so that people who are inside stay.
 *
 * Nothing vanishes: every channel, step and trigger has a node. What nobody can send yet has a send node that asks for an
 * account, and a warning.
 * @throws InputError `E_DEFINITION` with the problems and their paths when the document is not right
 */
export function compileDefinition(document: DefinitionDocument, options: CompileOptions = {}): CompiledFlow {
  return compileRead(readDocument(document), options);
}

/** The same for a document that was read already. */
export function compileRead(definition: ReadDefinition, options: CompileOptions = {}): CompiledFlow {
  const { store = USUAL_STORE, owned = false } = options;
  const pen = new Pen(definition, store.id, options);
  const journey = journeySections(pen);
  const { sections, definitions: started } = triggerSections(pen);
  const definitions = [...(journey.length > 0 ? [definition.key] : []), ...started];
  tellWhatWaits(pen);
  const tab = pen.id('tab');
  const comment = commentBox(pen.id('comment'), definition.name, describe(definition, definitions, owned));
  const own = owned ? { definition: definition.key, store: store.id } : undefined;
  const stores = options.store === undefined && definitions.length > 0 ? [USUAL_STORE] : [];
  return {
    flow: [
      tabNode(tab, definition.name, definition.description ?? '', own),
      ...layOut(tab, comment, [...journey, ...sections]),
      ...stores,
      ...pen.accounts.nodes,
    ],
    warnings: pen.warnings,
    definitions,
  };
}

/** What the document asks for and nothing does by itself yet; it stands in the comment. */
function tellWhatWaits(pen: Pen): void {
  const { escalation, compliance } = pen.definition;
  const waiting = [
    ...(escalation.length > 0 ? ['the escalation'] : []),
    ...(compliance.retentionDays === undefined ? [] : ['the retention of data']),
  ];
  if (waiting.length > 0) pen.warn(`Kept and described, and not acted on by this release: ${waiting.join(', ')}.`);
}
