import { zooRows } from './networks.ts';
import { paritySuite } from './suite.ts';

paritySuite(zooRows);
