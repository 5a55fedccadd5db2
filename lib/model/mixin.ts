import { SystemClock, type Clock } from '../clock';
import { InputError } from '../errors';
import { InModelKeeper } from './in-model';
import { InStoreKeeper, type ModelStore } from './in-store';
import { MarketingManager } from './manager';
import { SalesMarketingManager, salesCampaigns } from './sales';
import type { Keeper, MarketingDeclaration, SalesMarketingDeclaration } from './types';

/** Any class: plain, Sequelize's, Objection's … */
export type ModelClass = abstract new (...args: never[]) => object;

/** A class with something added to its objects. Its own constructor and statics stay. */
export type Mixed<Base extends ModelClass, Added> = Omit<Base, 'prototype'> &
  (new (...args: ConstructorParameters<Base>) => InstanceType<Base> & Added);

/** How models keep their campaigns from now on; see {@link useMarketing}. */
interface House {
  store?: ModelStore;
  clock: Clock;
}

const house: House = { clock: new SystemClock() };

/**
 * Says where all models keep their campaigns: in the database of an opened Marketing. The same calls go on working;
 * what a model had in its own column is taken over the first time it is asked. `undefined` goes back to the column.
 */
export function useMarketing(store: ModelStore | undefined, options: { clock?: Clock } = {}): void {
  if (store) house.store = store;
  else delete house.store;
  house.clock = options.clock ?? store?.clock ?? new SystemClock();
}

/** What {@link HasMarketing} adds. */
export interface Marketed {
  marketing(): MarketingManager;
}

/** What {@link HasSalesMarketing} adds. */
export interface SalesMarketed {
  sm(): SalesMarketingManager;
}

/** One manager per model (BR-007), for as long as the model lives. */
const managers = new WeakMap<object, MarketingManager>();
const salesManagers = new WeakMap<object, SalesMarketingManager>();

/**
 * Adds campaigns to a class:
 * `class Product extends HasMarketing(Object) { marketingConfig() { return { campaigns: { … } }; } }`,
 * then `await product.marketing().launchCampaign('product_launch', { … })`. Nothing to migrate: the state is JSON on the
 * model (attribute `marketing_data`) until {@link useMarketing} names a database.
 */
export function HasMarketing<Base extends ModelClass>(base: Base): Mixed<Base, Marketed> {
  const Marketing = class extends (base as unknown as new (...args: unknown[]) => object) {
    marketing(): MarketingManager {
      return once(managers, this, () => managerOf(this, () => declarationOf(this), 'marketing_data'));
    }
  };
  return named(Marketing, base) as unknown as Mixed<Base, Marketed>;
}

/**
 * The sales-marketing form: the class declares its entities in a method `sm()` (or `smConfig()`), and
 * `await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1000 })` starts one.
 */
export function HasSalesMarketing<Base extends ModelClass>(base: Base): Mixed<Base, SalesMarketed> {
  const Selling = class extends (base as unknown as new (...args: unknown[]) => object) {
    constructor(...args: unknown[]) {
      super(...args);
      // The class may declare its entities under the very name that programs ask for the manager.
      const own = (this as Partial<Record<'sm', unknown>>).sm;
      const declared = own === Selling.prototype.sm ? undefined : (own as () => SalesMarketingDeclaration);
      Object.defineProperty(this, 'sm', {
        value: () => salesManagerOf(this, declared),
        enumerable: false,
        configurable: true,
        writable: true,
      });
    }

    sm(): SalesMarketingManager {
      return salesManagerOf(this, undefined);
    }
  };
  return named(Selling, base) as unknown as Mixed<Base, SalesMarketed>;
}

function salesManagerOf(model: object, declared: (() => SalesMarketingDeclaration) | undefined): SalesMarketingManager {
  return once(salesManagers, model, () => {
    const declaration = (): SalesMarketingDeclaration => {
      const said = declared?.call(model) ?? (model as { smConfig?(): SalesMarketingDeclaration }).smConfig?.();
      return said ?? undeclared('sm() or smConfig()', '{ entities: { campaign: { fields: ["name", "budget"] } } }');
    };
    const launched = new Map<string, string>();
    const manager = managerOf(model, () => salesCampaigns(declaration(), launched), 'sm_data');
    return new SalesMarketingManager(manager, declaration, launched);
  });
}

function managerOf(model: object, declared: () => MarketingDeclaration, usual: string): MarketingManager {
  const attribute = (): string => declared().attribute ?? usual;
  const inModel = new InModelKeeper(model, attribute, declared, { now: () => house.clock.now() });
  const inStore = new WeakMap<object, Keeper>();
  const keeper = (): Keeper => {
    const { store } = house;
    if (!store) return inModel;
    return once(inStore, store, () => new InStoreKeeper(model, store, declared, inModel));
  };
  return new MarketingManager({ model, declared, keeper });
}

function declarationOf(model: object): MarketingDeclaration {
  const { marketingConfig } = model as { marketingConfig?(): MarketingDeclaration };
  return marketingConfig?.call(model) ?? undeclared('marketingConfig()', '{ campaigns: { product_launch: { … } } }');
}

function undeclared(method: string, example: string): never {
  throw new InputError(
    'E_MODEL_DECLARATION',
    `The model declares no campaigns: give its class a method ${method} that returns ${example}.`,
  );
}

function once<T extends object>(known: WeakMap<object, T>, key: object, make: () => T): T {
  const there = known.get(key);
  if (there) return there;
  const made = make();
  known.set(key, made);
  return made;
}

/** ORMs derive table names from class names. */
function named<Class extends object>(mixed: Class, base: ModelClass): Class {
  Object.defineProperty(mixed, 'name', { value: base.name, configurable: true });
  return mixed;
}
