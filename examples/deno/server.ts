/**
 * A server on Deno.
 *
 *     deno task start MODEL.octavo [PORT]
 *     curl --data-binary @pixels.u8 http://127.0.0.1:8000
 *
 * POST the bytes of one image as the model takes them, [height, width, channels]; the answer is what it gives, as reals.
 */
import { load } from 'octavo/runtime';

declare const Deno: {
  readonly args: readonly string[];
  readFile(path: string): Promise<Uint8Array>;
  serve(
    options: { readonly port: number; readonly hostname: string },
    handler: (request: Request) => Promise<Response>,
  ): unknown;
  exit(code: number): never;
};

const [path, port = '8000'] = Deno.args;
if (!path) {
  console.error('deno task start MODEL.octavo [PORT]');
  Deno.exit(2);
}
const session = await load(await Deno.readFile(path));
const [input, output] = [session.inputs[0]!.name, session.outputs[0]!.name];

Deno.serve({ port: Number(port), hostname: '127.0.0.1' }, async (request) => {
  if (request.method !== 'POST') return Response.json({ inputs: session.inputs });
  const pixels = new Uint8Array(await request.arrayBuffer());
  try {
    const reals = session.run({ [input]: pixels }, { dequantize: true })[output]!;
    return Response.json({ [output]: Array.from(reals) });
  } catch (error) {
    return Response.json({ error: (error as Error).message }, { status: 400 });
  }
});
