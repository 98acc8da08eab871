/** Tests make integer graphs of any op by hand; whoever makes bundles through the library has the ops learnt for him. */

import { learnAllOps } from '../../src/graph/integer/otherOps.ts';

learnAllOps();
