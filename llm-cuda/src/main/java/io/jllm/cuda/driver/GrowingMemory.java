package io.jllm.cuda.driver;

import io.jllm.cuda.ffi.CUmemAccessDesc_st;
import io.jllm.cuda.ffi.CUmemAllocationProp_st;
import io.jllm.cuda.ffi.CUmemLocation_st;
import io.jllm.cuda.ffi.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A range of device addresses that gets its memory in slabs, when they are first asked for: what is never used takes none. Where the device cannot
 * map memory into a range, all is allocated at once.
 */
public final class GrowingMemory implements AutoCloseable {
    private static final long SLAB_BYTES = 16L << 20;

    private record Slab(long address, long handle) {
    }

    private final Context context;
    private final String what;
    private final Owner whole = new Owner();
    private final List<Slab> slabs = new ArrayList<>();
    private final long base;
    private final long limit;
    private final long slabBytes;
    private final boolean[] mapped;
    private long bytes;
    private boolean closed;

    /**
     * Reserves addresses.
     *
     * @param limit bytes at most
     * @param what what it is for, for messages
     */
    public GrowingMemory(Context context, long limit, String what) {
        this.context = context;
        this.limit = limit;
        this.what = what;
        if (context.device().growsMemory()) {
            slabBytes = Math.ceilDiv(SLAB_BYTES, granularity()) * granularity();
            mapped = new boolean[Math.toIntExact(Math.ceilDiv(limit, slabBytes))];
            base = reserve(mapped.length * slabBytes);
        } else {
            slabBytes = limit;
            mapped = new boolean[] {true};
            base = whole.own(DeviceMemory.allocate(context, limit, what)).address();
            bytes = limit;
        }
    }

    private long granularity() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            Calls.check(CudaDriver.cuMemGetAllocationGranularity(out, properties(arena), CudaDriver.CU_MEM_ALLOC_GRANULARITY_RECOMMENDED()),
                    "cuMemGetAllocationGranularity");
            return out.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private MemorySegment properties(Arena arena) {
        MemorySegment p = CUmemAllocationProp_st.allocate(arena);
        CUmemAllocationProp_st.type(p, CudaDriver.CU_MEM_ALLOCATION_TYPE_PINNED());
        location(CUmemAllocationProp_st.location(p));
        return p;
    }

    private void location(MemorySegment location) {
        CUmemLocation_st.type(location, CudaDriver.CU_MEM_LOCATION_TYPE_DEVICE());
        CUmemLocation_st.id(location, context.device().handle());
    }

    private long reserve(long size) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            Calls.check(CudaDriver.cuMemAddressReserve(out, size, 0, 0, 0), "cuMemAddressReserve", () -> size + " bytes for " + what);
            return out.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** Where the range starts. */
    public long address() {
        return base;
    }

    /** Bytes of memory that it has now. */
    public long bytes() {
        return bytes;
    }

    /**
     * Makes sure that there is memory for a part of the range.
     *
     * @throws OutOfDeviceMemoryException if there is no room; what it had, it keeps
     */
    public void touch(long at, long size) {
        if (at < 0 || size < 1 || size > limit - at) {
            throw new IndexOutOfBoundsException(size + " bytes at " + at + " of " + limit + " for " + what);
        }
        for (int i = (int) (at / slabBytes); i <= (at + size - 1) / slabBytes; i++) {
            if (!mapped[i]) {
                map(base + i * slabBytes);
                mapped[i] = true;
            }
        }
    }

    private void map(long address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            Calls.check(CudaDriver.cuMemCreate(out, slabBytes, properties(arena), 0), "cuMemCreate", () -> slabBytes + " bytes for " + what);
            long handle = out.get(ValueLayout.JAVA_LONG, 0);
            int result = CudaDriver.cuMemMap(address, slabBytes, 0, handle, 0);
            if (result != CudaDriver.CUDA_SUCCESS()) {
                CudaDriver.cuMemRelease(handle);
                throw Calls.failure(result, "cuMemMap", slabBytes + " bytes for " + what);
            }
            MemorySegment access = CUmemAccessDesc_st.allocate(arena);
            location(CUmemAccessDesc_st.location(access));
            CUmemAccessDesc_st.flags(access, CudaDriver.CU_MEM_ACCESS_FLAGS_PROT_READWRITE());
            int allowed = CudaDriver.cuMemSetAccess(address, slabBytes, access, 1);
            if (allowed != CudaDriver.CUDA_SUCCESS()) {
                CudaDriver.cuMemUnmap(address, slabBytes);
                CudaDriver.cuMemRelease(handle);
                throw Calls.failure(allowed, "cuMemSetAccess", slabBytes + " bytes for " + what);
            }
            slabs.add(new Slab(address, handle));
            bytes += slabBytes;
            context.count(slabBytes);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try (whole) {
                for (Slab s : slabs) {
                    context.count(-slabBytes);
                    Calls.check(CudaDriver.cuMemUnmap(s.address, slabBytes), "cuMemUnmap");
                    Calls.check(CudaDriver.cuMemRelease(s.handle), "cuMemRelease");
                }
                if (context.device().growsMemory()) {
                    Calls.check(CudaDriver.cuMemAddressFree(base, mapped.length * slabBytes), "cuMemAddressFree");
                }
            }
        }
    }
}
