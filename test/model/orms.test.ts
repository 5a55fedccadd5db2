import assert from 'node:assert/strict';
import knexFactory, { type Knex } from 'knex';
import { Model as ObjectionModel } from 'objection';
import { DataTypes, Model as SequelizeModel, Sequelize, type ModelStatic } from 'sequelize';
import { HasMarketing, useMarketing, type MarketingDeclaration } from '../../lib/model';
import { eachDatabase } from '../kit/databases';

const declaration: MarketingDeclaration = {
  campaigns: { product_launch: { name: 'Product Launch Campaign', channels: ['email', 'social'], budget: 5000 } },
  guards: { pause: () => 'only the board pauses' },
};

describe('a model of an ORM', () => {
  before(() => useMarketing(undefined));

  describe('Objection', () => {
    class Product extends HasMarketing(ObjectionModel) {
      static override tableName = 'products';
      static override jsonSchema = {
        type: 'object',
        properties: { name: { type: 'string' }, marketing_data: { type: 'object' } },
      };
      declare id: number;
      declare name: string;
      declare marketing_data?: object;

      marketingConfig(): MarketingDeclaration {
        return declaration;
      }
    }
    let knex: Knex;

    before(async () => {
      knex = knexFactory({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
      await knex.schema.createTable('products', (table) => {
        table.increments('id');
        table.string('name');
        table.json('marketing_data');
      });
      (Product as unknown as typeof ObjectionModel).knex(knex);
    });
    after(() => knex.destroy());

    it('launches a campaign and keeps it in its JSON column', async () => {
      const products = Product as unknown as typeof ObjectionModel;
      const lamp = (await products.query().insertAndFetch({ name: 'Lamp' } as object)) as unknown as Product;
      await lamp.marketing().launchCampaign('product_launch', { target_segment: 'early_adopters' });

      const again = (await products.query().findById(lamp.id)) as unknown as Product;
      assert.deepEqual(await again.marketing().activeCampaigns(), await lamp.marketing().activeCampaigns());
      assert.equal((await again.marketing().activeCampaigns()).length, 1);
      await assert.rejects(again.marketing().pauseCampaign('product_launch'), /only the board pauses/);
      const kept = (await products.query().findById(lamp.id)) as unknown as Product;
      assert.equal((await kept.marketing().activeCampaigns()).length, 1);
    });
  });

  describe('Sequelize', () => {
    eachDatabase((db) => {
      // On SQLite, Sequelize needs a driver that we do not have.
      if (db.name === 'sqlite') return;
      it('launches a campaign and keeps it in its JSON column', async () => {
        const sequelize = new Sequelize(db.url(), { logging: false });
        try {
          class Product extends HasMarketing(SequelizeModel) {
            declare id: number;
            declare marketing_data: object | null;

            marketingConfig(): MarketingDeclaration {
              return declaration;
            }
          }
          const products = Product as unknown as ModelStatic<SequelizeModel> & typeof SequelizeModel;
          products.init(
            { name: DataTypes.STRING, marketing_data: DataTypes.JSON },
            { sequelize, tableName: 'products', modelName: 'Product', timestamps: false },
          );
          await products.sync();
          const Products = products as unknown as {
            create(values: object): Promise<Product>;
            findByPk(id: number): Promise<Product | null>;
          };
          const lamp = await Products.create({ name: 'Lamp' });
          await lamp.marketing().launchCampaign('product_launch', { target_segment: 'early_adopters' });

          const again = await Products.findByPk(lamp.id);
          assert.deepEqual(await again?.marketing().activeCampaigns(), await lamp.marketing().activeCampaigns());
          assert.equal((await again?.marketing().activeCampaigns())?.length, 1);
          await again?.marketing().completeCampaign('product_launch');
          const last = await Products.findByPk(lamp.id);
          assert.deepEqual(await last?.marketing().activeCampaigns(), []);
          assert.equal((await last?.marketing().history())?.length, 2);
        } finally {
          await sequelize.close();
        }
      });
    });
  });
});
