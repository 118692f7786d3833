/**
 * What was measured on one device, as one JSON file: `bench -- device` writes the whole form and the page the short one,
 * and `docs/devices/` collects both. It is made of parts, so that what did not fit or failed is named and can be measured
 * later.
 */
import * as v from 'valibot';
import { BACKEND_CHOICES } from './scoring.ts';

const text = v.pipe(v.string(), v.maxLength(2000));
const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(finite, v.integer(), v.minValue(0));

/** The parts of the short form, in order. Each is measured in a thread of its own, so that the first two are cold. */
export const SHORT_PARTS = ['answer', 'step', 'checks', 'rates', 'score'] as const;
export type ShortPart = (typeof SHORT_PARTS)[number];
/** The parts of the whole form. */
export const PART_NAMES = [
  ...SHORT_PARTS,
  /** The step once more, with the choices of kernels that the first has kept. */
  'step-again',
  'parity',
  'train',
  'score-peers',
  'generate',
  'grpo',
  'train-large',
  'large-int4',
  'large-f16',
] as const;
export type PartName = (typeof PART_NAMES)[number];

const FigureSchema = v.strictObject({
  name: text,
  value: finite,
  unit: v.picklist(['ms', 'CPU ms', 'GFLOP/s', 'GB/s', 'tokens/s', 'pairs/s', 'MB', 'times', 'dispatches', 'trials']),
  /** The measured rate that it is a share of. */
  of: v.optional(v.picklist(['products', 'copies'])),
});
/** One number that was measured. */
export type Figure = v.InferOutput<typeof FigureSchema>;

const CheckSchema = v.strictObject({
  name: text,
  isRight: v.boolean(),
  /** What was compared, with the largest difference. */
  detail: text,
});
/** A comparison with what is known to be right. */
export type Check = v.InferOutput<typeof CheckSchema>;

/** What a part has found. */
export const FindingsSchema = v.strictObject({
  figures: v.array(FigureSchema),
  checks: v.array(CheckSchema),
  remarks: v.array(text),
});
export type Findings = v.InferOutput<typeof FindingsSchema>;

const PartSchema = v.variant('state', [
  v.strictObject({ state: v.literal('done'), seconds: finite, ...FindingsSchema.entries }),
  /** It cannot be measured on this device, or with this form. */
  v.strictObject({ state: v.literal('skipped'), why: text }),
  v.strictObject({ state: v.literal('failed'), why: text }),
  /** There was no time left for it; measured by the next run. */
  v.strictObject({ state: v.literal('not run'), why: text }),
]);
export type DevicePart = v.InferOutput<typeof PartSchema>;

export const DeviceSchema = v.strictObject({
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  /** As people know it. */
  name: text,
  kind: v.picklist(['hardware GPU', 'software adapter', 'processor']),
  /** What WebGPU tells about the adapter; the description names the driver where the browser lets it. */
  adapter: v.nullable(v.strictObject({ vendor: text, architecture: text, device: text, description: text })),
  features: v.array(text),
  /** Lanes of a subgroup, and the largest binding in bytes; null without a GPU. */
  limits: v.nullable(v.strictObject({ subgroupMin: count, subgroupMax: count, bindingBytes: count })),
  /** That the lab's kernels compute on, where the processor computes. */
  threads: count,
  /** Logical processors of the machine, if it tells them. */
  processors: count,
  /** The browser, or Node and Dawn, with versions. */
  engine: text,
});
export type Device = v.InferOutput<typeof DeviceSchema>;

/** What a part has found, and on which device. */
export const PartOutcomeSchema = v.strictObject({ device: DeviceSchema, findings: FindingsSchema, seconds: finite });
export type PartOutcome = v.InferOutput<typeof PartOutcomeSchema>;

export const DeviceReportSchema = v.strictObject({
  schemaVersion: v.literal(1),
  form: v.picklist(['short', 'whole']),
  /** ISO 8601. */
  startedAt: text,
  lab: v.strictObject({ version: text, commit: text }),
  device: DeviceSchema,
  /** In the order of {@link PART_NAMES}, those of the form. */
  parts: v.record(v.picklist(PART_NAMES), PartSchema),
});
export type DeviceReport = v.InferOutput<typeof DeviceReportSchema>;

export const PartRequestSchema = v.strictObject({
  part: v.picklist(SHORT_PARTS),
  backend: v.picklist(BACKEND_CHOICES),
  /** The folder of the model that answers, with a trailing slash. */
  modelUrl: v.pipe(v.string(), v.url()),
});
export type PartRequest = v.InferOutput<typeof PartRequestSchema>;

/** The interface of the thread that measures. */
export interface DeviceApi {
  /** Measures one part. */
  measure(request: PartRequest): Promise<PartOutcome>;
}

/** A figure with its share of the measured rate; null where there is none. */
export interface RatedFigure extends Figure {
  readonly share: number | null;
}

/** The figures of a part, beside the rates that the report has. */
export function ratedFigures(report: Pick<DeviceReport, 'parts'>, part: PartName): RatedFigure[] {
  const measured = report.parts[part];
  const rates = report.parts.rates;
  if (measured?.state !== 'done') return [];
  return measured.figures.map((figure) => {
    const rate = rates?.state === 'done' ? rates.figures.find(({ name }) => name === figure.of) : undefined;
    return { ...figure, share: rate === undefined || part === 'rates' ? null : figure.value / rate.value };
  });
}

/** A name for the file of a report, such as `llvmpipe-webgpu-node`. */
export function reportFileName({ device, form }: Pick<DeviceReport, 'device' | 'form'>): string {
  const name = device.name
    .toLowerCase()
    .slice(0, 40)
    .split(/[^a-z0-9]+/u)
    .filter((word) => word !== '')
    .join('-');
  return `${[name, device.backend, form].filter((part) => part !== '').join('-')}.json`;
}
