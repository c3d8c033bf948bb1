package io.jllm.cuda;

import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.spi.TinyModels;
import java.util.Optional;

/** A program of the ops that the usual models do not have, of no use but that each of their kernels is launched. */
final class EveryOp {
    private static final int WIDTH = 256;
    private static final float EPS = 1e-5f;

    private EveryOp() {
    }

    static Program program() {
        var shape = new Op.AttentionShape(4, 2, 64);
        var p = new Program.Builder();
        Value x = p.addPositions(p.embed("table", 100, WIDTH), "positions", 64, 2);
        Value h = p.layerNorm(x, Optional.of("norm"), Optional.of("norm.bias"), EPS);
        Value qkv = p.linear(h, weight("q", shape.qDim()), weight("k", shape.kvDim()), weight("v", shape.kvDim()));
        var each = new HeadOp.HeadNorm(HeadOp.Kind.LAYER, HeadOp.Scope.EACH, Optional.of("q.norm"), Optional.empty(), EPS);
        var all = new HeadOp.HeadNorm(HeadOp.Kind.RMS, HeadOp.Scope.ALL, Optional.of("k.norm"), Optional.empty(), EPS);
        qkv = p.normHeads(qkv, shape, Optional.of(each), Optional.of(all), 8);
        var longer = new Rope(64, Rope.Layout.NEOX, Rope.frequencies(64, 1e4), 1, Optional.of(
                new Rope.Longer.Switched(32, Rope.frequencies(64, 1e6), 1.5f)));
        qkv = p.rotate(qkv, shape, longer);
        Value q = p.scaleQueries(p.ropeStoreKv(qkv, 0, shape, longer, Optional.empty()), 0.1f, 16, 0);
        Scores scores = Scores.of(64).chunks(16).alibi(new Scores.Alibi(new float[] {0.5f, 0.25f, 0.1f, 0.05f}, 1, false)).sinks("sinks");
        Value a = p.linear(p.attention(q, 0, shape, scores), weight("o", WIDTH));
        x = p.addGated(x, a, p.linear(h, weight("gate", 1)));
        x = p.linearAdd(x, p.act(p.linear(p.scale(x, 0.5f, 30), weight("up", 512)), Op.Activation.GELU), weight("down", WIDTH));
        x = latent(p, x);
        Value route = p.route(p.linear(x, weight("router", 8)), 2, new ExpertOp.Scoring.Sigmoid(), Optional.of("router.bias"),
                Optional.of(new ExpertOp.Groups(4, 2, 1)), true, 1.5f);
        Value gateUp = p.expertLinear(x, route, 8, false, weight("experts.gate", 256), weight("experts.up", 256));
        Value experts = p.expertSum(p.gated(gateUp, Op.Activation.SWIGLU_OAI), route, 8, true,
                new Weight("experts.down", WIDTH, Optional.of("experts.bias")), Optional.of(x));
        Value others = p.gated(p.expertLinear(experts, route, 8, true, weight("others.gate", 256), weight("others.up", 256)), Op.Activation.SILU);
        experts = p.expertSum(others, route, 8, false, weight("others.down", WIDTH), Optional.of(experts)); // weighs what experts get
        return p.build(p.linear(p.selectRows(experts), weight("output", 100)));
    }

    private static Value latent(Program.Builder p, Value x) {
        var s = new LatentOp.LatentShape(2, 512, 64, 256);
        Value q = p.linear(x, weight("latent.q", s.heads() * (s.nope() + s.rope())));
        Value kv = p.linear(x, weight("latent.kv", s.latent() + s.rope()));
        Value qkv = p.latentQkv(q, kv, "latent.keys", s, "latent.norm", EPS);
        Value rotated = p.ropeStoreKv(qkv, 1, s.attention(), TinyModels.rope(s.rope(), Rope.Layout.INTERLEAVED, 1), Optional.empty());
        Value v = p.headLinear(p.attention(rotated, 1, s.attention(), 0), "latent.values", s.heads(), 128, s.rope());
        return p.linearAdd(x, v, weight("latent.o", WIDTH));
    }

    private static Weight weight(String name, int rows) {
        return new Weight(name, rows, Optional.empty());
    }
}
