import assert from 'node:assert/strict';
import { heldTo, type Principal } from '../../lib/access';

class Shelf {
  constructor(private readonly books: string[]) {}
  list(): Promise<string[]> {
    return Promise.resolve(this.books);
  }
  add(book: string): Promise<number> {
    return Promise.resolve(this.books.push(book));
  }
  burn(): Promise<void> {
    this.books.length = 0;
    return Promise.resolve();
  }
}

describe('a service that is held to what somebody may do', () => {
  const held = (actor: Principal | string | undefined, books: string[] = []) =>
    heldTo(actor, new Shelf(books), { list: ['lead:read', 'lead:write'], add: ['lead:write'] });

  it('does what their roles and scopes allow', async () => {
    const marketer = held({ id: 'ada', roles: ['marketer'] });
    assert.equal(await marketer.add('Faust'), 1);
    assert.deepEqual(await marketer.list(), ['Faust']);
  });

  it('refuses what they do not allow, before anything is done', async () => {
    const books = ['Faust'];
    const viewer = held({ id: 'eve', roles: ['viewer'] }, books);
    await assert.rejects(viewer.add('Medea'), { code: 'E_FORBIDDEN', details: { permission: 'lead:write' } });
    assert.deepEqual(await viewer.list(), ['Faust']);
    const scoped = held({ id: 'eve', roles: ['admin'], scopes: ['campaign:read'] }, books);
    await assert.rejects(scoped.list(), { code: 'E_FORBIDDEN' });
    assert.deepEqual(books, ['Faust']);
  });

  it('takes any of several permissions', async () => {
    const writer = held({ id: 'form', roles: ['admin'], scopes: ['lead:write'] }, ['Faust']);
    assert.deepEqual(await writer.list(), ['Faust']);
  });

  it('has no method that nobody gave a permission', () => {
    assert.deepEqual(Object.keys(held('program')), ['list', 'add']);
    assert.equal(Reflect.get(held('program'), 'burn'), undefined);
    assert.equal(Reflect.get(held('program'), 'books'), undefined);
  });

  it('lets programs do everything that is there', async () => {
    assert.equal(await held('program').add('Faust'), 1);
    assert.equal(await held(undefined).add('Faust'), 1);
  });
});
