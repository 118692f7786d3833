/** The parts of the controller's state that change together and are drawn when they do. */
export type StateName =
  | 'stage'
  | 'list'
  | 'reading'
  | 'file'
  | 'failure'
  | 'choice'
  | 'preparing'
  | 'prepared'
  | 'table'
  | 'isScoring'
  | 'measures';
