import { describeWithData } from '../helpers/data.ts';
import { FILES, importedRows } from './imported.ts';
import { paritySuite } from './suite.ts';

describeWithData('imported networks', FILES, () => paritySuite(importedRows));
