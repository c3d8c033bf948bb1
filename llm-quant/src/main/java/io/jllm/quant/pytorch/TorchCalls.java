package io.jllm.quant.pytorch;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions and classes that a pickle of tensors names, and what calling them gives. Any other name is refused. */
final class TorchCalls {
    private static final Pickled.Name ORDERED_DICT = new Pickled.Name("collections", "OrderedDict");
    private static final Pickled.Name TENSOR = new Pickled.Name("torch._utils", "_rebuild_tensor_v2");
    private static final Pickled.Name PARAMETER = new Pickled.Name("torch._utils", "_rebuild_parameter");
    private static final int MAX_DIMENSIONS = 64;

    /** A class of storages. */
    private record Kind(String dtype, Optional<DType> type, int bytes) {
        Kind(DType type) {
            this(type.name(), Optional.of(type), type.blockBytes());
        }
    }

    private static final Map<String, Kind> STORAGES = Map.of("FloatStorage", new Kind(DType.F32), "HalfStorage", new Kind(DType.F16),
            "BFloat16Storage", new Kind(DType.BF16), "DoubleStorage", new Kind(DType.F64), "LongStorage", new Kind(DType.I64),
            "IntStorage", new Kind(DType.I32), "ShortStorage", new Kind(DType.I16), "CharStorage", new Kind(DType.I8),
            "ByteStorage", new Kind("U8", Optional.empty(), 1), "BoolStorage", new Kind("BOOL", Optional.empty(), 1));

    private TorchCalls() {
    }

    /** The name, if it is one of those that are known. */
    static Pickled.Name name(PickleBytes in, String module, String name) {
        var asked = new Pickled.Name(module, name);
        if (!asked.equals(ORDERED_DICT) && !asked.equals(TENSOR) && !asked.equals(PARAMETER)
                && !(module.equals("torch") && STORAGES.containsKey(name))) {
            throw in.broken("names " + module + "." + name + ", which is not read: only what tensors need is. Load it with the program that "
                    + "wrote it, and save its tensors as safetensors");
        }
        return asked;
    }

    /** The storage that a persistent id stands for. */
    static Pickled.Storage storage(PickleBytes in, Pickled id) {
        if (id instanceof Pickled.Tuple(var parts) && parts.size() == 5 && parts.get(0) instanceof Pickled.Text(var word) && word.equals("storage")
                && parts.get(1) instanceof Pickled.Name(var module, var name) && module.equals("torch") && STORAGES.containsKey(name)
                && parts.get(2) instanceof Pickled.Text(var key) && parts.get(4) instanceof Pickled.Whole(var elements) && elements >= 0) {
            Kind kind = STORAGES.get(name);
            return new Pickled.Storage(key, kind.dtype(), kind.type(), kind.bytes(), elements);
        }
        throw in.broken("has a persistent id that is no ('storage', type, key, device, elements)");
    }

    /** What a call gives. */
    static Pickled call(PickleBytes in, Pickled function, Pickled arguments) {
        if (!(function instanceof Pickled.Name name) || !(arguments instanceof Pickled.Tuple(var values))) {
            throw in.broken("calls " + function.kind() + " with " + arguments.kind() + "; a known function and a tuple are wanted");
        }
        if (name.equals(ORDERED_DICT) && values.isEmpty()) {
            return new Pickled.Dict();
        }
        if (name.equals(TENSOR) && (values.size() == 6 || values.size() == 7) && values.get(0) instanceof Pickled.Storage storage
                && values.get(1) instanceof Pickled.Whole(var offset)) {
            List<Long> shape = numbers(in, "a shape", values.get(2));
            List<Long> strides = numbers(in, "strides", values.get(3));
            if (shape.size() != strides.size()) {
                throw in.broken("has a tensor of " + shape.size() + " dimensions and " + strides.size() + " strides");
            }
            return new Pickled.Stored(storage, offset, shape, strides);
        }
        if (name.equals(PARAMETER) && values.size() >= 2 && values.getFirst() instanceof Pickled.Stored tensor) {
            return tensor;
        }
        throw in.broken("calls " + name.kind() + " with " + values.size() + " arguments that it does not take");
    }

    private static List<Long> numbers(PickleBytes in, String what, Pickled of) throws FormatException {
        if (of instanceof Pickled.Tuple(var values) && values.size() <= MAX_DIMENSIONS
                && values.stream().allMatch(v -> v instanceof Pickled.Whole(var n) && n >= 0)) {
            return values.stream().map(v -> ((Pickled.Whole) v).value()).toList();
        }
        throw in.broken("has " + what + " that is " + of.kind() + "; a tuple of at most " + MAX_DIMENSIONS + " numbers from 0 on is wanted");
    }
}
