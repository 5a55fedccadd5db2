import type { Box, FlowNode, Group, Section } from './types';

/*
 * Where boxes stand. Node-RED gives a node's centre; its grid is 20. A box is as wide as its label, which the editor measures
 * and we guess: 7 px a letter are a little more than Helvetica needs.
 */

const GRID = 20;
const LEFT = 40;
const RIGHT = 1_420;
const GAP = 60;
/** From one line to the next, where nothing is raised. */
const LINE = 80;
const RAISE = 60;

/** What stands where, as Node-RED keeps it. */
export function layOut(tab: string, title: Box, sections: readonly Section[]): FlowNode[] {
  const sheet = new Sheet(tab);
  sheet.place(title, LEFT, 40);
  let y = 120;
  for (const section of sections) {
    if (section.heading) {
      y += 20;
      sheet.place(section.heading, LEFT, y);
      y += 60;
    }
    y = section.branches.length > 1 ? fan(sheet, section, y) : line(sheet, section, y);
  }
  return sheet.nodes;
}

/** The head, and everything after it in lines of the same width. @returns where the next section begins */
function line(sheet: Sheet, { head, branches }: Section, top: number): number {
  const rows = wrap([...head.map((box) => [box]), ...(branches[0] ?? [])]);
  let y = top;
  for (const row of rows) {
    const boxes = row.flat();
    if (boxes.some(({ raised }) => raised)) y += RAISE;
    let x = LEFT;
    for (const box of boxes) {
      sheet.place(box, x, box.raised ? y - RAISE : y);
      x += widthOf(box) + GAP;
    }
    y += LINE;
  }
  return y;
}

/** The head half-way down, the branches below each other to its right. */
function fan(sheet: Sheet, { head, branches }: Section, top: number): number {
  const middle = top + Math.round(((branches.length - 1) * LINE) / 2 / GRID) * GRID;
  let right = LEFT;
  for (const box of head) {
    sheet.place(box, right, middle);
    right += widthOf(box) + GAP;
  }
  branches.forEach((branch, index) => {
    let x = right;
    for (const box of branch.flat()) {
      sheet.place(box, x, top + index * LINE);
      x += widthOf(box) + GAP;
    }
  });
  return top + branches.length * LINE;
}

/** Breaks lines between groups. */
function wrap(groups: readonly Group[]): Group[][] {
  const rows: Group[][] = [];
  let room = 0;
  for (const group of groups) {
    const width = group.reduce((sum, box) => sum + widthOf(box) + GAP, 0);
    const row = rows.at(-1);
    if (row && width <= room) row.push(group);
    else {
      rows.push([group]);
      room = RIGHT - LEFT + GAP;
    }
    room -= width;
  }
  return rows;
}

function widthOf({ name }: Box): number {
  return Math.max(100, Math.ceil((name.length * 7 + 50) / GRID) * GRID);
}

class Sheet {
  readonly nodes: FlowNode[] = [];

  constructor(private readonly tab: string) {}

  place(box: Box, left: number, y: number): void {
    const { id, type, name, properties, outputs, disabled } = box;
    this.nodes.push({
      id,
      type,
      z: this.tab,
      ...(disabled ? { d: true } : {}),
      name,
      ...properties,
      x: left + widthOf(box) / 2,
      y,
      wires: outputs.map((targets) => targets.map((target) => target.id)),
    });
  }
}
