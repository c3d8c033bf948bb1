/**
 * The rules of the house, checked on the sources and on the compiled classes of every module.
 *
 * <ul>
 * <li>{@link HouseRulesTest}: every rule, and which modules it is for
 * <li>{@link RulesCanFailTest}: each rule on samples that break it
 * <li>{@link ClassRules}, {@link ExportRule}, {@link ServiceRule}, {@link PackageRule}: rules read off class files
 * <li>{@link SourceRules}, {@link MapRules}: rules read off sources, package-infos and READMEs
 * <li>{@link LibraryRules}: rules about what is published
 * <li>{@link Checkout}: where the files are
 * <li>{@code io.jllm.house.snippet}: what the top README says to build tools, done
 * </ul>
 */
package io.jllm.house;
