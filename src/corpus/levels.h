#pragma once
// How hard each task is: every range in one place. Values are inclusive. Changing one changes the
// corpus, and with it the recorded digests of the corpus test and of the demo.

namespace avocado::corpus::level {

// One key in kHeldOutOneIn is held out.
inline constexpr int kHeldOutOneIn = 8;

// Sums and differences: operands have 2 to kAddDigits digits.
inline constexpr int kAddDigits = 2;
inline constexpr int kSubtractDigits = 2;
// Products: a two-digit number up to kMultiplyLeft times a digit up to kMultiplyRight.
inline constexpr int kMultiplyLeft = 99;
inline constexpr int kMultiplyRight = 9;

// Lists to sort, to reverse and to count in.
inline constexpr int kSortMin = 3, kSortMax = 4;
inline constexpr int kReverseMin = 3, kReverseMax = 4;
inline constexpr int kCountMin = 3, kCountMax = 9;

// Facts in a passage, at most one per relation.
inline constexpr int kFactsMin = 2, kFactsMax = 3;
// Ages in the records to be turned into JSON.
inline constexpr int kAgeMin = 10, kAgeMax = 99;

// Shares of the tasks in the demo's mixture.
inline constexpr int kAddWeight = 10, kSubtractWeight = 11, kMultiplyWeight = 12;
inline constexpr int kSortWeight = 9, kReverseWeight = 14, kCountWeight = 8;
inline constexpr int kPassageWeight = 16, kClozeWeight = 6, kJsonWeight = 5, kStoryWeight = 5;
inline constexpr int kVerbsWeight = 4;

// What only the nano mixture has.
// Numbers in word problems, and those said in words.
inline constexpr int kProblemMax = 30, kWordMax = 10;
// Numbers to be compared, and steps of series.
inline constexpr int kCompareMax = 999, kSeriesStepMax = 10;
// Amounts to be converted to other units.
inline constexpr int kUnitsMax = 12;
// Words to be copied, and items of lists to be formatted.
inline constexpr int kCopyMin = 2, kCopyMax = 6, kItemsMin = 2, kItemsMax = 4;

}  // namespace avocado::corpus::level
