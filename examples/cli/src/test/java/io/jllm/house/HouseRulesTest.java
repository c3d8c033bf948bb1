package io.jllm.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import org.junit.jupiter.api.Test;

class HouseRulesTest {
    private final Checkout checkout = Checkout.current();

    @Test
    void thereAreModulesToCheck() {
        assertTrue(checkout.libraries().size() >= 4, checkout.libraries().toString());
        assertTrue(checkout.libraryClasses().stream().mapToInt(f -> Checkout.files(f, ".class").size()).sum() > 100);
    }

    @Test
    void onlyTheCpuKernelsUseTheVectorApi() {
        assertEquals(Set.of(), ClassRules.vectorApi(checkout.libraryClasses()));
    }

    @Test
    void nativeCodeIsBoundInItsPackagesOnly() {
        assertEquals(Set.of(), ClassRules.nativeCode(checkout.libraryClasses()));
    }

    @Test
    void librariesNeitherPrintNorExit() {
        assertEquals(Set.of(), ClassRules.loud(checkout.libraryClasses()));
    }

    @Test
    void librariesSetNoGlobalState() {
        assertEquals(Set.of(), ClassRules.globalState(checkout.libraryClasses()));
    }

    @Test
    void noExportedTypeLeaksAHiddenOne() {
        assertEquals(Set.of(), ExportRule.leaks(checkout.libraryClasses()));
    }

    /** Providers are found by the file on the class path and by the declaration on the module path; they must agree. */
    @Test
    void servicesAreDeclaredTwice() {
        assertEquals(Set.of(), ServiceRule.disagreements(checkout.libraryClasses()));
    }

    @Test
    void filesAreShort() {
        assertEquals(Set.of(), SourceRules.longFiles(checkout.root()));
    }

    @Test
    void theTopLevelIsFixed() {
        assertEquals(Set.of(), SourceRules.strangers(checkout.root()));
    }

    @Test
    void noPathOfAMachine() {
        assertEquals(Set.of(), SourceRules.machinePaths(checkout.root()));
    }
}
