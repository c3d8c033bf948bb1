package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Program;
import io.jllm.spi.Backend.RunnerOptions;
import java.util.Optional;

/**
 * Device memory that some products need besides their rows, each empty where no product of a model does.
 *
 * @param tensors for products by many rows on tensor cores
 * @param mixtures for mixtures of experts that are compiled as a whole
 * @param ordered for rows whose columns are put into another order
 * @param outliers for rows of which large activations are taken out
 * @param chains for products of few rows that one launch does, in steps without adapters
 */
public record Rooms(Optional<TensorRoom> tensors, Optional<MixtureRoom> mixtures, Optional<Ordering.Room> ordered, Optional<Outliers.Room> outliers,
        Optional<RowChains.Room> chains) {
    /**
     * What a model needs, at no address yet.
     *
     * @param pieces of a row that tensor cores multiply, 1 or 2
     */
    public static Rooms of(Program program, WeightPlan plan, Kernels kernels, RunnerOptions options, int pieces) {
        Optional<TensorRoom> tensors = TensorRoom.of(program, plan, kernels, options, pieces);
        return new Rooms(tensors, MixtureRoom.of(program, plan, kernels, options, tensors.isPresent(), pieces), Ordering.Room.of(plan, options),
                Outliers.Room.of(plan), RowChains.room(program, plan, kernels));
    }

    /** How much it is. */
    public long bytes() {
        return tensors.map(TensorRoom::bytes).orElse(0L) + mixtures.map(MixtureRoom::bytes).orElse(0L)
                + ordered.map(Ordering.Room::bytes).orElse(0L) + outliers.map(Outliers.Room::bytes).orElse(0L)
                + chains.map(RowChains.Room::bytes).orElse(0L);
    }

    /** The same in memory that the owner gives back. */
    public Rooms in(Context context, Stream stream, Owner owner) {
        return new Rooms(tensors.map(r -> r.at(owner.own(DeviceMemory.allocate(context, r.bytes(), "products on tensor cores")).address())),
                mixtures.map(r -> r.in(owner.own(DeviceMemory.allocate(context, r.bytes(), "mixtures of experts")), stream)),
                ordered.map(r -> r.at(owner.own(DeviceMemory.allocate(context, r.bytes(), "columns in another order")).address())),
                outliers.map(r -> r.at(owner.own(DeviceMemory.allocate(context, r.bytes(), "large activations")).address())),
                chains.map(r -> r.in(context, owner)));
    }
}
