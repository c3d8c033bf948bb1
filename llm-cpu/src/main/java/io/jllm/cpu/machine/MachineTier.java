package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.Attention;
import io.jllm.cpu.kernels.AttentionSite;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.RopeSite;
import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.model.HeadOp;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import java.util.Optional;

/**
 * Machine code as a tier: products of rearranged weights, attention but with rounded biases, rotations, usual norms and activations.
 *
 * @param machine what there is, as far as it passes its tests
 * @param next the next slower tier, for all else
 */
public record MachineTier(MachineKernels machine, CpuKernels next) implements CpuKernels {
    @Override
    public String name() {
        return machine.name();
    }

    @Override
    public String describe() {
        return name() + " kernels, for the rest " + next.describe();
    }

    @Override
    public StoredProducts stored() {
        return next.stored();
    }

    @Override
    public Optional<PackedProducts> packed(WeightFormat format) {
        return machine.products(format).or(() -> next.packed(format));
    }

    @Override
    public Decoder decoder(WeightFormat format) {
        return machine.decoder(format).<Decoder>map(d -> d).orElseGet(() -> next.decoder(format));
    }

    @Override
    public RowKernels rows() {
        return machine.rows().<RowKernels>map(rows -> new MachineRows(rows, next.rows())).orElseGet(next::rows);
    }

    @Override
    public ThinProducts thin() {
        return machine.thin().<ThinProducts>map(thin -> new MachineThin(thin, next.thin())).orElseGet(next::thin);
    }

    @Override
    public Rotation rope(RopeSite site) {
        HeadOp.RopeStoreKv op = site.op();
        var shape = new RopeShape(op.shape().headDim(), op.rope().rotaryDim(), op.rope().layout() == Rope.Layout.NEOX, site.cache().blockSize());
        return machine.rows().<Rotation>flatMap(rows -> machine.rope(shape).map(rope -> new MachineRotation(site, rope, rows)))
                .orElseGet(() -> next.rope(site));
    }

    @Override
    public Rotation.Heads rotation(RopeShape shape, Angles angles) {
        return machine.rope(shape).<Rotation.Heads>map(rope -> new MachineHeads(rope, angles)).orElseGet(() -> next.rotation(shape, angles));
    }

    @Override
    public Attention attention(AttentionSite site) {
        Scores scores = site.op().scores();
        if (scores.alibi().filter(Scores.Alibi::bfloat16).isPresent()) {
            return next.attention(site);
        }
        return machine.attention(site.layout(), scores.softCap() > 0, scores.alibi().isPresent())
                .<Attention>map(a -> new MachineChunks(site, a)).orElseGet(() -> next.attention(site));
    }

    @Override
    public LargeMemory memory() {
        return machine.memory();
    }
}
