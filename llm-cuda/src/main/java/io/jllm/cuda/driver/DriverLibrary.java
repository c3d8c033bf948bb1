package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** Looks for the driver's library and for every function that this package calls, so that the generated bindings are touched only where they work. */
final class DriverLibrary {
    /** The library that NVIDIA's driver installs; the generated bindings open the same. */
    static final String NAME = "libcuda.so.1";
    /** Every function that this package needs; a test compares it with the classes. */
    static final List<String> FUNCTIONS = List.of("cuInit", "cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuDeviceGetCount",
            "cuDeviceGet",
            "cuDeviceGetName", "cuDeviceGetAttribute", "cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2",
            "cuCtxSetCurrent", "cuCtxSynchronize", "cuModuleLoadDataEx", "cuModuleUnload", "cuModuleGetFunction", "cuModuleGetGlobal_v2",
            "cuFuncSetAttribute", "cuLaunchKernelEx", "cuMemAlloc_v2", "cuMemFree_v2", "cuMemGetInfo_v2", "cuMemHostAlloc", "cuMemFreeHost",
            "cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuMemcpyHtoDAsync_v2", "cuMemsetD8Async", "cuMemAddressReserve", "cuMemAddressFree", "cuMemCreate",
            "cuMemRelease",
            "cuMemMap", "cuMemUnmap", "cuMemSetAccess", "cuMemGetAllocationGranularity", "cuStreamCreate", "cuStreamDestroy_v2",
            "cuStreamSynchronize",
            "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuGraphUpload", "cuGraphDestroy",
            "cuGraphExecDestroy", "cuEventCreate", "cuEventRecord", "cuEventSynchronize", "cuEventElapsedTime_v2", "cuEventDestroy_v2");

    private static final AtomicBoolean BINDING = new AtomicBoolean();

    private DriverLibrary() {
    }

    /**
     * Has all functions bound by a thread of its own, the first time that this is called. A function is bound when it is first called, which takes
     * some milliseconds: together as long as a device takes to start, and meanwhile nothing else is to be done. The library is there.
     */
    static void bindAhead() {
        if (BINDING.compareAndSet(false, true)) {
            Thread.ofPlatform().name("jllm-cuda-bind").daemon().start(DriverLibrary::bind);
        }
    }

    private static void bind() {
        try {
            for (String function : FUNCTIONS) {
                Class.forName(binding(function));
            }
            Class.forName(ParameterInfo.class.getName());
            Class.forName(TensorMap.class.getName());
        } catch (ClassNotFoundException | LinkageError _) {
            // of which whoever calls it hears
        }
    }

    /** The class whose initialiser binds a function. */
    static String binding(String function) {
        return CudaDriver.class.getName() + "$" + function;
    }

    /** A function that newer drivers have; the library is there. */
    static Optional<MemorySegment> find(String function) {
        return SymbolLookup.libraryLookup(NAME, Arena.ofAuto()).find(function);
    }

    /** Why the bindings cannot be used, and what to do; empty if they can. */
    static Optional<String> problem() {
        SymbolLookup library;
        try {
            library = SymbolLookup.libraryLookup(NAME, Arena.ofAuto());
        } catch (IllegalCallerException e) {
            return Optional.of("the JVM does not let it call native code: start it with --enable-native-access=io.jllm.cuda, or ALL-UNNAMED on the "
                    + "class path");
        } catch (IllegalArgumentException e) {
            return Optional.of("no NVIDIA driver was found (" + NAME + "): install one, or start the container with its GPUs (--gpus all)");
        }
        return FUNCTIONS.stream().filter(f -> library.find(f).isEmpty()).findFirst()
                .map(f -> "the NVIDIA driver is too old: it lacks " + f + "; install a newer one");
    }
}
