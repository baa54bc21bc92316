import { Injectable } from '@nestjs/common';
import { EventStore } from '../../event-sourcing/event-store.js';
import { KeyMissing, KeyRing } from '../../privacy/key-ring.js';
import { foldCustomer } from '../customer-history.js';
import { PersonalValues, viewHoldsPersonal } from '../personal-values.js';
import { customerStream } from '../streams.js';
import type { CustomerView } from './customer-view.js';
import { CustomerViews } from './customer-views.js';
import { erasedByFence } from './project.js';
import type { OpenedCustomer } from './opened-customer.js';

/** Opens views for an answer: one key look-up for a whole page. */
@Injectable()
export class OpenViews {
  constructor(
    private readonly keys: KeyRing,
    private readonly views: CustomerViews,
    private readonly store: EventStore,
  ) {}

  /** In the order given. @throws KeyMissing, StoreUnavailable */
  async openAll(views: readonly CustomerView[]): Promise<readonly OpenedCustomer[]> {
    const sealed = views.filter(viewHoldsPersonal);
    const refs = sealed.map(({ id, life }) => ({ subject: id, revision: life }));
    const found = await this.keys.findMany(refs);
    const opened = new Map<string, OpenedCustomer>();
    for (const [index, view] of sealed.entries()) {
      const [key, ref] = [found[index], refs[index]];
      if (ref === undefined) continue;
      if (key === undefined || key === 'none') throw new KeyMissing(ref, 'absent');
      opened.set(
        view.id,
        key === 'erased' ? await this.behindFence(view) : new PersonalValues(key, ref).openView(view),
      );
    }
    return views.map((view) => opened.get(view.id) ?? { view, taxCertificates: [] });
  }

  async open(view: CustomerView): Promise<OpenedCustomer> {
    const [opened] = await this.openAll([view]);
    return opened ?? { view, taxCertificates: [] };
  }

  /**
   * The key was destroyed between the reading of the view and of the key. The view is read again; is it still unredacted,
   * the log tells what remains of the customer, or that a new life has begun meanwhile. Does that not know either, it is
   * one from before the erasure: the fence alone says that it was.
   */
  private async behindFence(stale: CustomerView): Promise<OpenedCustomer> {
    const again = await this.views.get(stale.id);
    if (again !== undefined && !viewHoldsPersonal(again)) return { view: again, taxCertificates: [] };
    const { view } = foldCustomer(await this.store.read(customerStream(stale.id)));
    if (view === undefined) throw new KeyMissing({ subject: stale.id, revision: stale.life }, 'absent');
    if (view.life > stale.life) return this.open(view);
    return { view: view.status === 'active' ? erasedByFence(view) : view, taxCertificates: [] };
  }
}
