import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  IntValueNode,
  OperationDefinitionNode,
  SelectionSetNode,
  VariableNode,
} from 'graphql';
import { InputError } from '../../errors';

/** How much one request may ask for. */
export const LIMITS = {
  /** Levels of fields. */
  depth: 8,
  aliases: 30,
  /** Fields of the query or mutation itself. */
  rootFields: 10,
  /** Objects that it may have to find, at most: lists count as often as they are long. */
  cost: 1_000,
  /** Words and signs of the document. */
  tokens: 2_000,
  /** Bytes of the whole request. */
  body: 65_536,
} as const;

/** Things in a list, where nobody says how many. */
export const USUAL_LENGTH = 20;
export const LONGEST_LIST = 100;

/** Lists by the names of their fields, with their lengths where no `limit` is given; those of the query itself may be longer. */
const LISTS: Readonly<Record<string, number>> = {
  campaigns: USUAL_LENGTH,
  leads: USUAL_LENGTH,
  segments: USUAL_LENGTH,
  engagements: USUAL_LENGTH,
};

const ROOT_LISTS: Readonly<Record<string, number>> = { ...LISTS, segments: LONGEST_LIST };

interface Measure {
  readonly depth: number;
  readonly cost: number;
}

/**
 * Measures a document that was found valid (so fragments do not contain themselves).
 * @throws InputError `E_QUERY_LIMIT`
 */
export function checkLimits(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): void {
  const operation = document.definitions.find(
    (one): one is OperationDefinitionNode =>
      isKind<OperationDefinitionNode>(one, 'OperationDefinition') &&
      (!operationName || one.name?.value === operationName),
  );
  if (!operation) return;
  const scale = new Scale(document, variables);
  const { depth, cost } = scale.measure(operation.selectionSet, true);
  refuseAbove('aliases', countAliases(document));
  refuseAbove('rootFields', scale.countFields(operation.selectionSet));
  refuseAbove('depth', depth);
  refuseAbove('cost', cost);
}

function refuseAbove(what: 'depth' | 'aliases' | 'rootFields' | 'cost', found: number): void {
  const most = LIMITS[what];
  if (found <= most) return;
  const words = { depth: 'levels', aliases: 'aliases', rootFields: 'fields at its root', cost: 'objects to find' };
  throw new InputError(
    'E_QUERY_LIMIT',
    `This asks for ${found} ${words[what]}; at most ${most} are allowed. Ask for less at a time.`,
    {
      details: { limit: what, most, found },
    },
  );
}

/** Measures selections. Each fragment is measured once, however often it is spread. */
class Scale {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly measured = new Map<FragmentDefinitionNode, Measure>();
  private readonly counted = new Map<FragmentDefinitionNode, number>();

  constructor(
    document: DocumentNode,
    private readonly variables: Readonly<Record<string, unknown>>,
  ) {
    this.fragments = new Map(
      document.definitions.flatMap((one) =>
        isKind<FragmentDefinitionNode>(one, 'FragmentDefinition') ? [[one.name.value, one] as const] : [],
      ),
    );
  }

  measure({ selections }: SelectionSetNode, root = false): Measure {
    let depth = 0;
    let cost = 0;
    for (const selection of selections) {
      const found = isKind<FieldNode>(selection, 'Field')
        ? this.field(selection, root)
        : isKind<InlineFragmentNode>(selection, 'InlineFragment')
          ? this.measure(selection.selectionSet, root)
          : this.spread(selection.name.value, root);
      depth = Math.max(depth, found.depth);
      cost += found.cost;
    }
    return { depth, cost };
  }

  countFields({ selections }: SelectionSetNode): number {
    let count = 0;
    for (const selection of selections) {
      if (isKind<FieldNode>(selection, 'Field')) count += 1;
      else if (isKind<InlineFragmentNode>(selection, 'InlineFragment'))
        count += this.countFields(selection.selectionSet);
      else {
        const fragment = this.fragments.get(selection.name.value);
        if (!fragment) continue;
        const known = this.counted.get(fragment) ?? this.countFields(fragment.selectionSet);
        this.counted.set(fragment, known);
        count += known;
      }
    }
    return count;
  }

  private field(field: FieldNode, root: boolean): Measure {
    const { selectionSet } = field;
    // How deep one may look into the schema itself is limited by a rule of graphql-js.
    if (!selectionSet || field.name.value.startsWith('__')) return { depth: 1, cost: 0 };
    const { depth, cost } = this.measure(selectionSet);
    return { depth: depth + 1, cost: lengthOf(field, root ? ROOT_LISTS : LISTS, this.variables) * (1 + cost) };
  }

  /** A fragment is about one type: one that stands at the root stands nowhere else. */
  private spread(name: string, root: boolean): Measure {
    const fragment = this.fragments.get(name);
    if (!fragment) return { depth: 0, cost: 0 };
    const known = this.measured.get(fragment) ?? this.measure(fragment.selectionSet, root);
    this.measured.set(fragment, known);
    return known;
  }
}

function lengthOf(
  { name, arguments: given }: FieldNode,
  lists: Readonly<Record<string, number>>,
  variables: Readonly<Record<string, unknown>>,
): number {
  const usual = Object.hasOwn(lists, name.value) ? lists[name.value] : undefined;
  if (usual === undefined) return 1;
  const limit = given?.find((one) => one.name.value === 'limit')?.value;
  const value =
    limit && isKind<IntValueNode>(limit, 'IntValue')
      ? Number(limit.value)
      : limit && isKind<VariableNode>(limit, 'Variable')
        ? variables[limit.name.value]
        : usual;
  // What is no sensible length is refused when it is asked for; here it counts as the longest.
  return typeof value === 'number' && value >= 0 ? value : LONGEST_LIST;
}

function countAliases(document: DocumentNode): number {
  let count = 0;
  const open: SelectionSetNode[] = document.definitions.flatMap((one) =>
    'selectionSet' in one && one.selectionSet ? [one.selectionSet] : [],
  );
  for (let next = open.pop(); next; next = open.pop()) {
    for (const selection of next.selections) {
      if (isKind<FieldNode>(selection, 'Field') && selection.alias) count += 1;
      if (!isKind<FragmentSpreadNode>(selection, 'FragmentSpread') && selection.selectionSet)
        open.push(selection.selectionSet);
    }
  }
  return count;
}

/** Kinds by their names: the enumeration itself would load graphql-js before anybody asks for it. */
function isKind<Node extends { readonly kind: string }>(
  node: { readonly kind: string },
  kind: `${Node['kind']}`,
): node is Node {
  return node.kind === kind;
}
