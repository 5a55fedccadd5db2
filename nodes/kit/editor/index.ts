/**
 * The editor's half of the nodes, bundled into resources/marketing-editor.js and loaded by plugin.html before any node.
 * The nodes' own html files reach it as `marketingEditor` and hold only what Node-RED has to read literally.
 */
import * as account from './nodes/account';
import * as approval from './nodes/approval';
import * as campaign from './nodes/campaign';
import * as compensate from './nodes/compensate';
import * as consent from './nodes/consent';
import * as delay from './nodes/delay';
import * as escalate from './nodes/escalate';
import * as event from './nodes/event';
import * as join from './nodes/join';
import * as goal from './nodes/goal';
import * as lead from './nodes/lead';
import * as score from './nodes/score';
import * as roi from './nodes/roi';
import * as segment from './nodes/segment';
import * as send from './nodes/send';
import * as split from './nodes/split';
import * as store from './nodes/store';
import * as trigger from './nodes/trigger';
import './marketing-editor.css';
import { current } from './dialog';
import { onAdd, watchNames } from './placing';
import { shorten } from './texts';
import * as validate from './validators';
import { forgetConditions } from './verdicts';

const marketingEditor = {
  account,
  approval,
  campaign,
  compensate,
  consent,
  delay,
  escalate,
  event,
  join,
  goal,
  lead,
  score,
  roi,
  segment,
  send,
  split,
  store,
  trigger,
  validate,
  current,
  onAdd,
  shorten,
};

declare global {
  interface Window {
    marketingEditor: typeof marketingEditor;
  }
}

// The script may be asked for twice (Node-RED reloads plugins when a module is updated): listen only once.
if (!('marketingEditor' in window)) {
  watchNames();
  RED.events.on('deploy', forgetConditions);
}
window.marketingEditor = marketingEditor;
